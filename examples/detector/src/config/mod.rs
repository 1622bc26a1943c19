//! A training configuration: MMDetection's words, in TOML, JSON or YAML, several files deep.
mod data;
mod model;
mod run;

pub use data::{
    DataPrefix, DataloaderConfig, DatasetConfig, DatasetType, EvaluatorConfig, MetaInfo, OnBadData, Transform,
};
pub use model::{
    AnchorGenerator, BackboneConfig, BboxHead, DataPreprocessor, HeadType, ModelConfig, ModelType,
    NeckConfig, Nms, NormCfg, NormType, TestCfg,
};
pub use run::{
    AutoScaleLr, CheckpointHook, CustomHook, DefaultHooks, EarlyStopping, LoggerHook, Randomness, SaveBest,
    TrainCfg, VisualizationHook,
};
