//! The built xtask on machines made of shell scripts, without a network.
#![cfg(unix)]
mod commands;
mod setup;
mod world;
