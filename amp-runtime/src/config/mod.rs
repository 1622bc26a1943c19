//! Configuration files: MMEngine's keys and meanings, in TOML, JSON or YAML.
//!
//! A dump of an MMEngine or MMDetection configuration reads as it is. Every problem of a document is reported at once,
//! with the path of its key.
//!
//! ```
//! use amp_runtime::config::TrainingConfig;
//!
//! let config = TrainingConfig::from_toml(r#"
//!     [optim_wrapper]
//!     type = "AmpOptimWrapper"
//!     dtype = "float16"
//!     loss_scale = { init_scale = 1024, growth_interval = 500 }
//!     optimizer = { type = "SGD", lr = 0.02, momentum = 0.9, weight_decay = 1e-4 }
//!     clip_grad = { max_norm = 35 }
//!
//!     [[param_scheduler]]
//!     type = "LinearLR"
//!     start_factor = 0.001
//!     by_epoch = false
//!     end = 500
//! "#)?;
//! let vs = tch::nn::VarStore::new(tch::Device::Cpu);
//! let net = tch::nn::linear(vs.root(), 4, 1, Default::default());
//! let optim = config.optim_wrapper.builder().schedule(config.schedule(None)?).build(&vs)?;
//! assert_eq!((optim.lr(), optim.loss_scale()?), (0.02, 1024.));
//!
//! let error = TrainingConfig::from_json(r#"{"optim_wrapper": {"optimizer": {"type": "SGD", "momentun": 0.9}}}"#);
//! assert!(error.unwrap_err().to_string().starts_with("unknown key `optim_wrapper.optimizer.momentun`\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
mod error;
mod format;
mod node;
mod optim_wrapper;
mod optimizer;
mod param_scheduler;
mod problem;
mod reader;
mod section;
mod training;

pub use error::ConfigError;
pub use format::Format;
pub use optim_wrapper::OptimWrapperConfig;
pub use problem::Problem;
pub use training::TrainingConfig;
