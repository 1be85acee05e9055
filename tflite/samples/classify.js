// npm install @mediapipe/tasks-text@0.10.35, the last release that asks no server for anything: 1.0 posts what it
// measures to one of Google's. Both paths are addresses that your page serves.
import { FilesetResolver, TextClassifier } from "@mediapipe/tasks-text";

const wasm = await FilesetResolver.forTextTasks("node_modules/@mediapipe/tasks-text/wasm");
const classifier = await TextClassifier.createFromModelPath(wasm, "student.tflite");
const [best] = classifier.classify("what a lovely film").classifications[0].categories;
console.log(best.categoryName, best.score);
