"""The commands: name and one line each. A command's module is imported only when it is called."""

COMMANDS = {
    "run": "all steps from sentences to a .tflite, in one folder; goes on after any interruption",
    "finetune": "fine-tune a pretrained BERT: the teacher",
    "augment": "make the sentences that the teacher is to label",
    "label": "label them: the transfer set",
    "distill": "train the student on the transfer set",
    "export": "make a checked .tflite of the student",
    "evaluate": "measure teachers, students and .tflite files on dev sentences",
    "benchmark": "measure what .tflite files cost, here, on phones, in ARM64 instructions",
    "report": "write a run's report anew, or compare several runs in one page",
    "predict": "classify texts with a .tflite file",
    "demo": "show a student on a local page, where it classifies as one types",
    "completion": "print a script for bash, zsh or fish that completes commands, flags and values",
}

# Those that take more than flags.
WITH_ARGUMENTS = ("evaluate", "benchmark", "report", "predict", "demo", "completion")

# Those that go on where they were interrupted.
RESUMED = ("run", "finetune", "label", "distill")
