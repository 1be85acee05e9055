"""Packaging of tfkd: `pip install -e .[dev]`."""

from pathlib import Path

from setuptools import find_packages, setup

setup(
    name="tfkd",
    version="0.1.0",
    description="Distil a BERT text classifier into a BiLSTM that runs on a phone",
    long_description=Path("README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11,<3.14",  # as TensorFlow's wheels
    packages=find_packages(include=["tfkd", "tfkd.*"]),
    # tfkd/device is a link to tflite/, so that what a device runs is at hand where tfkd is installed.
    package_data={"tfkd": ["py.typed", "device/*.py", "device/*/*"], "tfkd.report": ["templates/*"]},
    # Ranges that were tested together; tools/test.sh runs in them.
    install_requires=[
        "absl-py>=2.3,<3",
        "ai-edge-litert>=2.3,<2.4",
        "flatbuffers>=25.2",
        "jinja2>=3.1,<4",
        "keras>=3.15,<3.16",
        "keras-nlp>=0.32,<0.33",  # installs keras-hub, its new name
        "ml-dtypes>=0.5,<1",
        "markupsafe>=2.1,<4",  # jinja2's own: text that is markup already
        "matplotlib>=3.9,<4",
        "mediapipe>=1.2,<1.3",  # the schema of TFLite metadata
        "numpy>=2.0,<3",
        "nltk>=3.9,<4",  # its Treebank detokenizer; no downloads
        "pyarrow>=21,<27",
        "sacremoses>=0.1.1,<0.3",
        "safetensors>=0.5,<1",
        "scikit-learn>=1.6,<2",  # F1 and the like
        "scipy>=1.14,<2",
        "tensorflow>=2.21,<2.22",
        "tensorflow-text>=2.21,<2.22",
        "textblob>=0.19,<0.21",
        "tqdm>=4.66,<5",
    ],
    extras_require={
        # TFDS needs importlib_resources to download, and doesn't say so.
        "tfds": ["tensorflow-datasets>=4.9.10,<5", "importlib_resources>=6"],
        "dev": [
            "gensim>=4.4,<5",  # its files of word vectors, to read
            "google-re2>=1.1,<2",  # the phone's regular expressions, to compare ours with
            "h5py>=3.10,<4",  # Keras' weight files, to look into
            "hypothesis>=6.100,<7",
            "mypy>=2.4,<3",
            "onnx>=1.22,<2",  # these two and tf-keras: peers that lowerings are compared with
            "onnxruntime>=1.30,<2",
            "playwright>=1.60,<2",  # drives a browser of the system's own, for the demo's page
            "pre-commit>=4,<5",
            "pytest>=9,<10",
            "pytest-xdist>=3.8,<4",  # tests on several cores
            "ruff>=0.17,<0.18",
            "scipy-stubs>=1.14,<2",
            "tf-keras>=2.21,<2.22",
            "importlib_resources>=6",
            "tensorflow-datasets>=4.9.10,<5",
        ],
    },
    entry_points={"console_scripts": ["tfkd=tfkd.commands.main:main"]},
)
