// Needs the pod MediaPipeTasksText; student.tflite is one of the app's resources.
import Foundation
import MediaPipeTasksText

func classify() throws {
    let path = Bundle.main.path(forResource: "student", ofType: "tflite")!
    let classifier = try TextClassifier(modelPath: path)
    let result = try classifier.classify(text: "what a lovely film")
    let best = result.classificationResult.classifications[0].categories[0]
    print(best.categoryName ?? "", best.score)
}
