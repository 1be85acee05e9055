// Classifies what is typed, in the browser. Whatever comes from a text, a file or the server is shown as text alone.

const SHOWN_SCORES = 8; // of many labels the likeliest
const COUNTED_TIMES = 100; // of which the median is shown

const find = (id) => document.getElementById(id);
const text = find("text");
const times = [];

const percent = (score) => `${(100 * score).toFixed(1)} %`;
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(bytes < 1e8 ? 2 : 0)} MB`;
const milliseconds = (value) => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;

function element(tag, className, content = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = content;
  return made;
}

function setText(id, content) {
  // What is set anew is read out anew, even if it is the same.
  if (find(id).textContent !== content) find(id).textContent = content;
}

/** Shows scores, [{label, score}] in the labels' order, and returns the likeliest label. */
function showScores(id, scores) {
  const ranked = [...scores].sort((a, b) => b.score - a.score);
  const shown = new Set(ranked.slice(0, SHOWN_SCORES));
  const rows = scores.filter((row) => shown.has(row)).map((row) => {
    const item = element("li", row === ranked[0] ? "likeliest" : "");
    const track = element("span", "track");
    const bar = track.appendChild(element("span", "bar"));
    bar.style.inlineSize = `${100 * row.score}%`;
    item.append(element("span", "name", row.label), element("span", "percent", percent(row.score)), track);
    return item;
  });
  if (scores.length > SHOWN_SCORES) {
    rows.push(element("li", "further", `and ${scores.length - SHOWN_SCORES} less likely labels`));
  }
  find(id).replaceChildren(...rows);
  return ranked[0].label;
}

function showProblem(message) {
  find("problem").textContent = message;
  find("problem").hidden = false;
}

function classify(classifier) {
  const start = performance.now();
  const { categories } = classifier.classify(text.value).classifications[0];
  const took = performance.now() - start;

  const scores = categories
    .toSorted((a, b) => a.index - b.index)
    .map(({ categoryName, score }) => ({ label: categoryName, score }));
  setText("label", showScores("scores", scores));
  times.push(took);
  if (times.length > COUNTED_TIMES) times.shift();
  const sorted = times.toSorted((a, b) => a - b);
  setText("milliseconds", milliseconds(took));
  setText("median", milliseconds(sorted[sorted.length >> 1]));
  setText("count", String(times.length));
}

function clearTeacher() {
  setText("teacher-label", "–");
  setText("teacher-milliseconds", "–");
  find("teacher-scores").replaceChildren();
  find("ask").disabled = !text.value.trim();
}

async function askTeacher() {
  const asked = text.value;
  find("ask").disabled = true;
  setText("teacher-label", "Thinking…");
  try {
    const response = await fetch("teacher", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ text: asked }),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
    if (text.value !== asked) return; // another text stands there by now
    setText("teacher-label", showScores("teacher-scores", answer.scores));
    setText("teacher-milliseconds", milliseconds(answer.milliseconds));
  } catch (error) {
    clearTeacher();
    showProblem(`The teacher doesn't answer (${error.message}): does tfkd demo still run?`);
  }
}

function read(classifier) {
  find("problem").hidden = true;
  clearTeacher();
  setText("milliseconds", "–");
  try {
    if (text.value.trim()) return classify(classifier);
  } catch (error) {
    showProblem(`MediaPipe can't classify this text: ${error.message}`);
  }
  setText("label", "–");
  find("scores").replaceChildren();
}

async function start() {
  const about = await (await fetch("about.json")).json();
  document.title = `${about.name} · tfkd demo`;
  setText("name", about.name);
  setText("size", megabytes(about.size_bytes));
  setText("file-size", megabytes(about.size_bytes));
  setText("max-tokens", String(about.max_tokens));
  // Not at the top, where what doesn't come could not be told.
  const { FilesetResolver, TextClassifier } = await import("./mediapipe/text_bundle.mjs");
  const classifier = await TextClassifier.createFromModelPath(
    await FilesetResolver.forTextTasks("mediapipe"),
    "student.tflite",
  );
  classifier.classify(""); // MediaPipe starts its graph with the first text: not the time of a keystroke
  for (const example of about.examples) {
    const button = element("button", "example", example);
    button.type = "button";
    button.addEventListener("click", () => {
      text.value = example;
      read(classifier);
    });
    find("examples").append(button);
  }
  if (about.teacher) {
    setText("teacher-size", megabytes(about.teacher.size_bytes));
    find("teacher").hidden = false;
    find("ask").addEventListener("click", askTeacher);
  }
  text.addEventListener("input", () => read(classifier));
  read(classifier);
}

start().catch((error) => {
  setText("label", "–");
  // A script that doesn't come is no Error, but an event.
  showProblem(`The model can't be loaded: ${error.message ?? "MediaPipe doesn't come"}; does tfkd demo still run?`);
});
