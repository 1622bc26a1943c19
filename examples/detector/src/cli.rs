//! The command line.
use amp_runtime::Precision;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use tch::Device;

/// Trains object detectors in mixed precision
///
/// A configuration is a TOML, JSON or YAML file with MMDetection's words, or a built-in one.
#[derive(Debug, Parser)]
#[command(name = "detector", version, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  detector train cells --amp bf16                      a small model on generated images, in minutes
  detector train cells --resume                        goes on where it was interrupted
  detector test work_dirs/cells                        measures the best checkpoint
  detector predict photo.jpg --model work_dirs/cells   draws what it finds
  detector plot work_dirs/a work_dirs/b --out ab.png   lays the curves of two runs over each other

Built-in configurations: cells (generated images, the quickest start), bccd_fcos_r18, bccd_retinanet_r18,
coco_retinanet_r50, bench.

Exit status: 0 when all went well, 1 when something failed, 2 for a wrong command line, 130 when interrupted.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a model
    #[command(after_help = TRAIN)]
    Train(TrainArgs),
    /// Measure a trained model
    #[command(after_help = TEST)]
    Test(TestArgs),
    /// Find objects in images and draw them
    #[command(after_help = PREDICT)]
    Predict(PredictArgs),
    /// Measure the speed and memory of training and inference in every precision
    #[command(after_help = BENCH)]
    Bench(BenchArgs),
    /// Show what `#[amp]` decided for every operation of the model
    #[command(after_help = EXPLAIN)]
    Explain(ExplainArgs),
    /// Draw augmented images with their boxes, as training sees them
    #[command(after_help = BROWSE)]
    Browse(BrowseArgs),
    /// Draw the curves of one or more runs
    #[command(after_help = PLOT)]
    Plot(PlotArgs),
}

const TRAIN: &str = "\
Examples:
  detector train cells --amp bf16
  detector train bccd_fcos_r18 --amp bf16 --cfg-options data_root=BCCD train_dataloader.batch_size=16
  detector train mine.toml --work-dir runs/mine --seed 1
  detector train mine.toml --work-dir runs/mine --resume

Precedence: `--cfg-options` over the file, the file over its `_base_`. What was run is written to `config.toml`.";

const TEST: &str = "\
Examples:
  detector test work_dirs/cells
  detector test work_dirs/cells --amp off --out detections.json
  detector test mine.toml --checkpoint runs/mine/epoch_12.safetensors --show-dir pictures";

const PREDICT: &str = "\
Examples:
  detector predict photo.jpg --model work_dirs/cells
  detector predict images/*.jpg --model work_dirs/cells --score-thr 0.5 --out found";

const BENCH: &str = "\
Examples:
  detector bench
  detector bench cells --batch-size 4 --amp off bf16 --threads 2
  detector bench --device cuda --size 1344x800 --json numbers.json";

const EXPLAIN: &str = "\
Examples:
  detector explain
  detector explain loss --json";

const BROWSE: &str = "\
Examples:
  detector browse cells --out pictures
  detector browse bccd_fcos_r18 --out pictures --num 4 --cfg-options data_root=BCCD";

const PLOT: &str = "\
Examples:
  detector plot work_dirs/cells --out curves.png
  detector plot runs/bf16 runs/off --legend bf16 f32 --out ab.svg";

/// What every command that computes wants to know.
#[derive(Debug, Args)]
pub struct Compute {
    /// Where to compute: `cpu`, `cuda`, `cuda:1`, `mps`; a GPU if there is one
    #[arg(long, value_name = "DEVICE", value_parser = device)]
    pub device: Option<Device>,
    /// Threads of libtorch on the CPU; as many as cores by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    pub threads: Option<i32>,
}

/// `--amp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Amp {
    /// f32 throughout
    Off,
    /// f16, with a dynamic loss scale
    Fp16,
    /// bfloat16
    Bf16,
}

impl From<Amp> for Precision {
    fn from(amp: Amp) -> Self {
        match amp {
            Amp::Off => Self::Full,
            Amp::Fp16 => Self::F16,
            Amp::Bf16 => Self::Bf16,
        }
    }
}

/// `train`.
#[derive(Debug, Args)]
pub struct TrainArgs {
    /// Configuration: a file or a built-in name
    pub config: PathBuf,
    /// Precision; as the configuration says by default, and it may not say another one
    #[arg(long, value_enum)]
    pub amp: Option<Amp>,
    /// Folder for logs, checkpoints and pictures; `work_dirs/<config>` by default
    #[arg(long, value_name = "DIR")]
    pub work_dir: Option<PathBuf>,
    /// Go on from the last checkpoint of the work folder, if there is one, or from this one
    #[arg(long, value_name = "CHECKPOINT")]
    #[allow(clippy::option_option)] // not given, given alone, given with a file
    pub resume: Option<Option<PathBuf>>,
    /// Start anew in a work folder that has a training: its log, checkpoints and pictures are deleted
    #[arg(long, conflicts_with = "resume")]
    pub overwrite: bool,
    /// Set single values of the configuration
    #[arg(long, value_name = "KEY=VALUE", num_args = 1..)]
    pub cfg_options: Vec<String>,
    /// Seed of weights, order and augmentation
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX.unsigned_abs()))]
    pub seed: Option<u64>,
    /// Scale the learning rate with the batch size (`auto_scale_lr.base_batch_size`)
    #[arg(long)]
    pub auto_scale_lr: bool,
    /// Do not compare the chosen precision with f32 on a batch before training
    #[arg(long)]
    pub no_preflight: bool,
    /// Where to compute.
    #[command(flatten)]
    pub compute: Compute,
}

/// Which trained model.
#[derive(Debug, Args)]
pub struct ModelArgs {
    /// Precision; that of the training by default
    #[arg(long, value_enum)]
    pub amp: Option<Amp>,
    /// The checkpoint; the work folder's best, or else last one by default
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Set single values of the configuration
    #[arg(long, value_name = "KEY=VALUE", num_args = 1..)]
    pub cfg_options: Vec<String>,
    /// Where to compute.
    #[command(flatten)]
    pub compute: Compute,
}

/// `test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Work folder of a training, or its configuration (then with `--checkpoint`)
    pub model: PathBuf,
    /// Which model.
    #[command(flatten)]
    pub args: ModelArgs,
    /// Write the detections here, in COCO's format
    #[arg(long, value_name = "FILE.json")]
    pub out: Option<PathBuf>,
    /// Draw the images with detections and truth into this folder
    #[arg(long, value_name = "DIR")]
    pub show_dir: Option<PathBuf>,
}

/// `predict`.
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// Images
    #[arg(required = true)]
    pub images: Vec<PathBuf>,
    /// Work folder of a training, or its configuration (then with `--checkpoint`)
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Which model.
    #[command(flatten)]
    pub args: ModelArgs,
    /// Folder for the drawn images
    #[arg(long, value_name = "DIR", default_value = "predictions")]
    pub out: PathBuf,
    /// Detections below this score are left out
    #[arg(long, value_name = "SCORE", default_value_t = 0.3)]
    pub score_thr: f32,
}

/// `bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Configuration of the model; RetinaNet-R18 with batch norm, as MMDetection has it, by default
    pub config: Option<PathBuf>,
    /// Images per batch
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    pub batch_size: u32,
    /// Width and height of the images in pixels
    #[arg(long, value_name = "WxH", default_value = "320x240", value_parser = size)]
    pub size: [u32; 2],
    /// Timed rounds; each runs every row once
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Precisions; by default all, but for `fp16` on a CPU
    #[arg(long, value_enum, num_args = 1..)]
    pub amp: Vec<Amp>,
    /// Write the numbers here
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Set single values of the configuration
    #[arg(long, value_name = "KEY=VALUE", num_args = 1..)]
    pub cfg_options: Vec<String>,
    /// Where to compute.
    #[command(flatten)]
    pub compute: Compute,
}

/// `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Only functions whose path contains this
    pub function: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `browse`.
#[derive(Debug, Args)]
pub struct BrowseArgs {
    /// Configuration: a file or a built-in name
    pub config: PathBuf,
    /// Folder for the pictures
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// How many images
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub num: usize,
    /// Seed of order and augmentation
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX.unsigned_abs()))]
    pub seed: Option<u64>,
    /// Set single values of the configuration
    #[arg(long, value_name = "KEY=VALUE", num_args = 1..)]
    pub cfg_options: Vec<String>,
}

/// `plot`.
#[derive(Debug, Args)]
pub struct PlotArgs {
    /// Work folders, or `scalars.json` files, of ours or of MMEngine
    #[arg(required = true)]
    pub logs: Vec<PathBuf>,
    /// The picture: `.png` or `.svg`
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Names of the runs in the legend; those of their folders by default
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub legend: Vec<String>,
}

fn device(text: &str) -> Result<Device, String> {
    match text.split_once(':') {
        None if text == "cpu" => Ok(Device::Cpu),
        None if text == "cuda" => Ok(Device::Cuda(0)),
        None if text == "mps" => Ok(Device::Mps),
        Some(("cuda", index)) if index.parse::<usize>().is_ok() => {
            Ok(Device::Cuda(index.parse().unwrap_or(0)))
        }
        _ => Err("write `cpu`, `cuda`, `cuda:1` or `mps`".to_owned()),
    }
}

fn size(text: &str) -> Result<[u32; 2], String> {
    let sides =
        text.split_once('x').and_then(|(width, height)| Some([width.parse().ok()?, height.parse().ok()?]));
    sides
        .filter(|sides: &[u32; 2]| sides.iter().all(|side| (1..=8192).contains(side)))
        .ok_or_else(|| "write `320x240`: width and height in pixels".to_owned())
}
