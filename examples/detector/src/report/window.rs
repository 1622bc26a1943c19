//! The means of the steps since the last log line.

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepNumbers {
    /// Seconds.
    pub time: f64,
    /// Of these, seconds of waiting for data.
    pub data_time: f64,
    /// Losses by their names.
    pub losses: Vec<(String, f64)>,
    /// The norm of the gradients, where there was an update.
    pub grad_norm: Option<f64>,
    /// Whether the update was skipped: its norm and losses say nothing.
    pub skipped: bool,
}

/// The steps since the last log line.
#[derive(Debug, Clone, Default)]
pub struct Window {
    steps: Vec<StepNumbers>,
    skips: u64,
}

impl Window {
    /// Adds a step.
    pub fn add(&mut self, step: StepNumbers) {
        self.skips = if step.skipped { self.skips + 1 } else { 0 };
        self.steps.push(step);
    }

    /// How many updates in a row were skipped up to now, over all windows.
    pub fn trailing_skips(&self) -> u64 {
        self.skips
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Means of times, and of losses and norms of updates that were not skipped; and forgets the steps. One infinite gradient
    /// thus does not hide the others. Where all were skipped, their losses are all there is.
    pub fn take(&mut self) -> StepNumbers {
        let steps = std::mem::take(&mut self.steps);
        let mean = |numbers: Vec<f64>| {
            #[allow(clippy::cast_precision_loss)] // steps of a window
            let count = numbers.len() as f64;
            if numbers.is_empty() { None } else { Some(numbers.iter().sum::<f64>() / count) }
        };
        let all_skipped = steps.iter().all(|step| step.skipped);
        let counted = || steps.iter().filter(|step| all_skipped || !step.skipped);
        let names: Vec<String> = steps
            .first()
            .map(|step| step.losses.iter().map(|(name, _)| name.clone()).collect())
            .unwrap_or_default();
        let losses = names.into_iter().enumerate().map(|(index, name)| {
            let values = counted().filter_map(|step| step.losses.get(index).map(|(_, loss)| *loss));
            (name, mean(values.collect()).unwrap_or(f64::NAN))
        });
        let losses = losses.collect();
        let norms = steps.iter().filter(|step| !step.skipped).filter_map(|step| step.grad_norm);
        StepNumbers {
            time: mean(steps.iter().map(|step| step.time).collect()).unwrap_or(0.),
            data_time: mean(steps.iter().map(|step| step.data_time).collect()).unwrap_or(0.),
            losses,
            grad_norm: mean(norms.collect()),
            skipped: !steps.is_empty() && all_skipped,
        }
    }
}
