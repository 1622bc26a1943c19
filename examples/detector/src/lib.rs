//! A detector in the manner of MMDetection, trained in mixed precision: what the `detector` program is made of.
pub mod bbox;
pub mod build;
pub mod cli;
pub mod commands;
pub mod config;
pub mod data;
pub mod evaluate;
pub mod infer;
pub mod model;
pub mod report;
pub mod train;
