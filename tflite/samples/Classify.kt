// Needs com.google.mediapipe:tasks-text; student.tflite lies in src/main/assets.
import android.content.Context
import android.util.Log
import com.google.mediapipe.tasks.text.textclassifier.TextClassifier

fun classify(context: Context) {
    TextClassifier.createFromFile(context, "student.tflite").use { classifier ->
        val result = classifier.classify("what a lovely film")
        val best = result.classificationResult().classifications()[0].categories()[0]
        Log.i("tfkd", "${best.categoryName()} ${best.score()}")
    }
}
