//! A whole training configuration, of which two keys are read.
use super::optim_wrapper::OptimWrapperConfig;
use super::param_scheduler;
use super::reader::Field;
use super::section::{Section, doors};
use crate::schedule::{Piece, Schedule, ScheduleError};

/// The two keys of a training configuration that are about optimization; all others are left to whoever knows them.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingConfig {
    /// `optim_wrapper`.
    pub optim_wrapper: OptimWrapperConfig,
    /// `param_scheduler`: one table or a list of them; empty where there is none.
    pub param_scheduler: Vec<Piece>,
}

impl TrainingConfig {
    /// The schedule of the learning rate; `updates_per_epoch` as in [`Schedule::from_config`].
    ///
    /// # Errors
    /// A piece counts epochs, and `updates_per_epoch` is none or 0.
    pub fn schedule(&self, updates_per_epoch: Option<u64>) -> Result<Schedule, ScheduleError> {
        Schedule::from_config(self.param_scheduler.iter().cloned(), updates_per_epoch)
    }
}

impl Section for TrainingConfig {
    fn read(field: &Field) -> Option<Self> {
        field.table(|table| {
            let optim_wrapper =
                table.required("optim_wrapper").and_then(|field| OptimWrapperConfig::read(&field));
            let param_scheduler = table.optional("param_scheduler");
            let param_scheduler =
                param_scheduler.map_or(Some(Vec::new()), |field| param_scheduler::read(&field));
            table.refuse_typos();
            Some(Self { optim_wrapper: optim_wrapper?, param_scheduler: param_scheduler? })
        })
    }
}

doors!(TrainingConfig);
