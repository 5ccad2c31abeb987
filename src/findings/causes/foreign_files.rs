//! `foreign-files`: files beside the model that are of something else: other formats of it, checkpoints and logs of its
//! training, archives, arrays.
//!
//! A loader reads the main file, `variables/`, `assets/`, and what few tools keep beside them; all else in the directory
//! is copied, shipped and, by TensorFlow Serving, counted as memory (1.2 times all files below the directory,
//! `tensorflow_serving/util/oss_or_google.h`, `EstimateResourceFromPath`). Text that people and programs keep with a
//! model, a README, labels, a configuration, is not looked at.

use std::collections::BTreeMap;

use foldhash::HashSet;

use crate::findings::claims::Claims;
use crate::findings::evidence::{Evidence, Place};
use crate::findings::{Cause, Context, Cure, Detected, Remedy, quoted};
use crate::input::layout::{ASSETS, ASSETS_EXTRA, DEBUG, FINGERPRINT, HUB_MODULE, KERAS_METADATA, VARIABLES};
use crate::input::{File, MODEL_FILES};
use crate::size::{bytes, plural};

pub(super) const CAUSE: Cause = Cause {
    id: "foreign-files",
    remedies: &[Remedy::any(
        "Export into a directory of its own, and write checkpoints, logs and other formats beside it; or copy what loaders read.",
        r#"import shutil; model = {"saved_model.pb", "saved_model.pbtxt", "saved_model.cpb", "variables", "assets", "assets.extra"}
model |= {"fingerprint.pb", "keras_metadata.pb", "tfhub_module.pb", "debug"}
shutil.copytree(".", "../served", ignore=lambda path, names: set(names) - model if path == "." else ())"#,
        "a program of yours reads these files by their names from this very directory.",
    )],
    long: include_str!("../../../docs/findings/foreign-files.md"),
    detect,
    only_information: None,
    cure: Cure::None,
};

/// What loaders, TensorFlow Serving, Keras and TensorFlow Hub read besides the main file.
const READ: [&str; 3] = [FINGERPRINT, KERAS_METADATA, HUB_MODULE];
const READ_BELOW: [&str; 4] = [VARIABLES, ASSETS, ASSETS_EXTRA, DEBUG];

const CHECKPOINT: &str = "variables.";

/// What a foreign file is of. The order is that in which a message counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum FileKind {
    /// A model in another format, or another SavedModel.
    Model,
    Checkpoint,
    Log,
    Data,
    Archive,
    /// What a version control system or a program leaves.
    Cache,
}

/// Which files are of which kind, by how their names end.
const ENDINGS: [(FileKind, &[&str]); 5] = [
    (
        FileKind::Model,
        &[
            ".tflite",
            ".lite",
            ".onnx",
            ".onnx.data",
            ".onnx_data",
            ".ort",
            ".h5",
            ".hdf5",
            ".keras",
            ".safetensors",
            ".gguf",
            ".ggml",
            ".pt",
            ".pth",
            ".bin",
            ".msgpack",
            ".mlmodel",
            ".mlpackage",
            ".engine",
            ".plan",
            ".trt",
            ".uff",
            ".dlc",
            ".pb",
            ".torchscript",
            ".pdmodel",
            ".pdiparams",
            ".caffemodel",
            ".params",
            ".tfjs",
            ".mar",
            ".nb",
            ".xmodel",
            ".hef",
            ".blob",
            ".stablehlo",
            ".mlir",
        ],
    ),
    (FileKind::Checkpoint, &[".ckpt", ".orbax", ".ocdbt"]),
    (FileKind::Log, &[".log", ".tfevents", ".trace", ".trace.json.gz", ".ipynb", ".prof", ".wandb"]),
    (
        FileKind::Data,
        &[
            ".npy",
            ".npz",
            ".pkl",
            ".pickle",
            ".joblib",
            ".dill",
            ".mat",
            ".csv",
            ".tsv",
            ".parquet",
            ".feather",
            ".arrow",
            ".tfrecord",
            ".tfrecords",
            ".avro",
            ".sqlite",
            ".db",
            ".lmdb",
            ".png",
            ".jpg",
            ".jpeg",
            ".gif",
            ".bmp",
            ".tif",
            ".tiff",
            ".svg",
            ".pdf",
            ".wav",
            ".mp3",
            ".flac",
            ".mp4",
        ],
    ),
    (FileKind::Archive, &[".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar"]),
];

/// Directories of which all is of a kind.
const DIRECTORIES: [(&str, FileKind); 8] = [
    (".git", FileKind::Cache),
    (".svn", FileKind::Cache),
    (".hg", FileKind::Cache),
    ("__pycache__", FileKind::Cache),
    (".ipynb_checkpoints", FileKind::Cache),
    (".cache", FileKind::Cache),
    ("wandb", FileKind::Log),
    ("mlruns", FileKind::Log),
];

/// What TensorBoard's files have in their names, and what TensorFlow 1's Estimator writes beside its checkpoints.
const EVENTS: &str = ".tfevents.";
const ESTIMATOR_GRAPH: &str = "graph.pbtxt";

fn detect(context: &Context<'_>) -> Option<Detected> {
    let (mut claims, mut evidence) = (Claims::default(), Evidence::default());
    let mut sums: BTreeMap<FileKind, u64> = BTreeMap::new();
    for (file, kind) in foreign(context) {
        claims.add(&file.name, 0..file.bytes);
        evidence.add(file.bytes, || (format!("{} {}", quoted(&file.name), kind.is()), Place::of_file(&file.name)));
        *sums.entry(kind).or_default() += 1;
    }
    let counted: Vec<String> = sums.into_iter().map(|(kind, count)| kind.counted(count)).collect();
    let (files, size) = (plural(evidence.count(), "file", "files"), bytes(claims.bytes()));
    (!evidence.is_empty()).then(|| Detected {
        message: format!("{files} beside the model that no loader reads, {size}: {}.", counted.join(", ")),
        evidence,
        claims,
        beyond: 0,
    })
}

impl FileKind {
    /// What is said of one file.
    fn is(self) -> &'static str {
        match self {
            Self::Model => "is a model in another format",
            Self::Checkpoint => "is of a checkpoint",
            Self::Log => "is a log",
            Self::Data => "is data",
            Self::Archive => "is an archive",
            Self::Cache => "is left by another program",
        }
    }

    /// How a message counts several.
    fn counted(self, count: u64) -> String {
        match self {
            Self::Model => plural(count, "model in another format", "of models in other formats"),
            Self::Checkpoint => plural(count, "of a checkpoint", "of checkpoints"),
            Self::Log => plural(count, "log", "logs"),
            Self::Data => plural(count, "file of data", "files of data"),
            Self::Archive => plural(count, "archive", "archives"),
            Self::Cache => plural(count, "left by another program", "left by other programs"),
        }
    }
}

fn foreign<'a>(context: &Context<'a>) -> impl Iterator<Item = (&'a File, FileKind)> {
    let files = &context.model.files;
    let main = MODEL_FILES.iter().find_map(|name| context.model.file(name));
    let names: HashSet<&str> = files.iter().map(|file| &*file.name).collect();
    // Directories that hold a main file of their own.
    let inner: HashSet<&str> = names
        .iter()
        .filter_map(|name| name.rsplit_once('/'))
        .filter(|(_, file)| MODEL_FILES.contains(file))
        .map(|(directory, _)| directory)
        .collect();
    // The checkpoint of the model itself, put beside the main file: where it lies no loader reads it, and without it none
    // loads the model.
    let is_whole = names.iter().any(|name| name.starts_with(VARIABLES));
    files.iter().filter_map(move |file| {
        let name = &*file.name;
        let is_misplaced = !is_whole && name.strip_prefix(CHECKPOINT).is_some_and(|rest| !rest.contains('/'));
        let is_read = main.is_some_and(|main| main.name == file.name)
            || MODEL_FILES.contains(&name)
            || READ.contains(&name)
            || READ_BELOW.iter().any(|below| name.starts_with(below));
        if is_read || is_misplaced {
            return None;
        }
        let is_inner = || directories(name).any(|directory| inner.contains(directory));
        let kind =
            of_directory(name).or_else(|| is_inner().then_some(FileKind::Model)).or_else(|| of_file(name, &names));
        kind.map(|kind| (file, kind))
    })
}

/// The directories that a file is in, outermost first.
fn directories(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('/').filter_map(|(at, _)| name.get(..at))
}

fn of_directory(name: &str) -> Option<FileKind> {
    let (directory, _) = name.rsplit_once('/')?;
    directory.split('/').find_map(|part| DIRECTORIES.iter().find(|(known, _)| *known == part)).map(|(_, kind)| *kind)
}

fn of_file(name: &str, names: &HashSet<&str>) -> Option<FileKind> {
    let (directory, file) = name.rsplit_once('/').unwrap_or(("", name));
    let beside = |other: String| {
        let path = if directory.is_empty() { other } else { format!("{directory}/{other}") };
        names.contains(&*path)
    };
    let lower = file.to_ascii_lowercase();
    if lower.contains(EVENTS) {
        return Some(FileKind::Log);
    }
    if is_core_dump(&lower) {
        return Some(FileKind::Cache);
    }
    if lower == ESTIMATOR_GRAPH || is_of_bundle(file, &beside) {
        return Some(FileKind::Checkpoint);
    }
    ENDINGS.iter().find(|(_, endings)| endings.iter().any(|ending| lower.ends_with(ending))).map(|(kind, _)| *kind)
}

/// Whether a file is the memory of a program that crashed, by its name (core(5): `core`, or that and the program's number).
fn is_core_dump(name: &str) -> bool {
    let number = name.strip_prefix("core.");
    name == "core"
        || number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()) && !number.is_empty())
}

/// Whether a file is of a TensorFlow checkpoint: a shard, or an index, a graph or the list of checkpoints with a shard beside
/// it (`tensorflow/core/util/tensor_bundle/naming.h`).
fn is_of_bundle(file: &str, beside: &impl Fn(String) -> bool) -> bool {
    let is_shard = |(_, shard): (&str, &str)| {
        shard.split_once("-of-").is_some_and(|(at, of)| [at, of].iter().all(|part| part.parse::<u32>().is_ok()))
    };
    let has_shard = |prefix: &str| beside(format!("{prefix}.index")) || beside(format!("{prefix}.data-00000-of-00001"));
    file == "checkpoint"
        || file.rsplit_once(".data-").is_some_and(is_shard)
        || file.strip_suffix(".index").is_some_and(|prefix| !prefix.is_empty())
        || file.strip_suffix(".meta").is_some_and(has_shard)
}

#[cfg(test)]
mod tests {
    use crate::findings::tests::finding;
    use crate::support::wire::{graph, meta_graph, saved_model};

    /// The files that are found foreign in a model with these files beside it, each of 2,000 bytes.
    fn foreign(names: &[&str]) -> Vec<String> {
        let model = saved_model([&meta_graph(&["serve"], &graph(&[]))]).0;
        let mut files: Vec<(&str, &[u8])> = vec![("saved_model.pb", &model)];
        files.extend(names.iter().map(|name| (*name, &[b'x'; 2000][..])));
        let found = finding("foreign-files", &files);
        assert!(found.iter().all(|found| found.bytes == 2000 * found.evidence.len() as u64), "{found:?}");
        let name = |line: String| line.split('`').nth(1).unwrap().to_owned();
        let mut names: Vec<String> = found.into_iter().flat_map(|found| found.evidence).map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn other_formats_of_the_model_are_foreign_wherever_they_lie() {
        let names = ["model.keras", "model_float16.tflite", "onnx/Model.ONNX", "tfjs/group1-shard1of2.bin"];
        assert_eq!(foreign(&names), names);
    }

    #[test]
    fn what_a_program_left_when_it_crashed_is_foreign() {
        assert_eq!(foreign(&["core.4711", "logs/core"]), ["core.4711", "logs/core"]);
        assert_eq!(foreign(&["core.txt", "core.", "hard.core"]), [""; 0]);
    }

    #[test]
    fn checkpoints_and_logs_of_training_are_foreign() {
        let names = [
            "checkpoint",
            "ckpt-3.data-00000-of-00002",
            "ckpt-3.index",
            "ckpt-3.meta",
            "logs/train/events.out.tfevents.1.host",
            "mlruns/0/meta.yaml",
            "wandb/run-1/config.yaml",
        ];
        assert_eq!(foreign(&names), names);
    }

    #[test]
    fn a_savedmodel_inside_another_is_foreign_with_all_that_is_below_it() {
        let names = ["best/saved_model.pb", "best/variables/variables.index", "best/words.txt"];
        assert_eq!(foreign(&names), names);
    }

    #[test]
    fn what_loaders_and_servers_read_is_not_foreign() {
        let names = [
            "assets.extra/tf_serving_warmup_requests",
            "assets/model.tflite",
            "debug/saved_model_debug_info.pb",
            "fingerprint.pb",
            "keras_metadata.pb",
            "saved_model.pbtxt",
            "tfhub_module.pb",
            "variables/variables.index",
        ];
        assert_eq!(foreign(&names), Vec::<String>::new());
    }

    #[test]
    fn the_models_own_checkpoint_in_the_wrong_place_is_not_foreign_and_a_copy_of_it_is() {
        let misplaced = ["variables.data-00000-of-00001", "variables.index"];
        assert_eq!(foreign(&misplaced), [""; 0]);
        assert_eq!(foreign(&[&misplaced[..], &["variables/variables.index"]].concat()), misplaced);
        assert_eq!(foreign(&["old/variables.index"]), ["old/variables.index"]);
    }

    #[test]
    fn text_that_people_keep_with_a_model_is_not_foreign() {
        let names = ["README.md", "config.json", "labels.txt", "model.meta", "requirements.txt", "signature.py"];
        assert_eq!(foreign(&names), Vec::<String>::new());
    }
}
