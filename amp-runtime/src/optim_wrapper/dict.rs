//! Several wrappers by name, as adversarial networks have them.
use super::error::OptimWrapperError;
use super::state::OptimWrapperState;
use super::wrapper::{OptimWrapper, Result};
use std::collections::BTreeMap;

/// Wrappers by name, as MMEngine's `OptimWrapperDict`. Each updates on its own: there is no joint `update_params`.
#[derive(Debug, Default)]
pub struct OptimWrapperDict {
    wrappers: BTreeMap<String, OptimWrapper>,
}

impl OptimWrapperDict {
    /// No wrappers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a wrapper; returns the one that had the name.
    pub fn insert(&mut self, name: impl Into<String>, wrapper: OptimWrapper) -> Option<OptimWrapper> {
        self.wrappers.insert(name.into(), wrapper)
    }

    /// The wrapper of that name.
    ///
    /// # Errors
    /// [`OptimWrapperError::UnknownName`], which lists the names.
    pub fn get(&mut self, name: &str) -> Result<&mut OptimWrapper> {
        let known = self.wrappers.keys().cloned().collect();
        self.wrappers
            .get_mut(name)
            .ok_or_else(|| OptimWrapperError::UnknownName { name: name.to_owned(), known })
    }

    /// The names and wrappers, by name.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut OptimWrapper)> {
        self.wrappers.iter_mut().map(|(name, wrapper)| (name.as_str(), wrapper))
    }

    /// How many wrappers there are.
    pub fn len(&self) -> usize {
        self.wrappers.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.wrappers.is_empty()
    }

    /// Sets the gradients of all to none.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn zero_grad(&mut self) -> Result<()> {
        self.wrappers.values_mut().try_for_each(OptimWrapper::zero_grad)
    }

    /// Sets all gradients to none, those of open accumulation windows too.
    ///
    /// # Errors
    /// As [`OptimWrapper::drop_window`].
    pub fn drop_window(&mut self) -> Result<()> {
        self.wrappers.values_mut().try_for_each(OptimWrapper::drop_window)
    }

    /// Announces the number of batches to all.
    ///
    /// # Errors
    /// As [`OptimWrapper::initialize_count_status`].
    pub fn initialize_count_status(&mut self, inner_count: u64, max_counts: Option<u64>) -> Result<()> {
        if let Some(open) = self.wrappers.values().find_map(OptimWrapper::open_batches) {
            return Err(OptimWrapperError::OpenWindow(open));
        }
        self.wrappers
            .values_mut()
            .try_for_each(|wrapper| wrapper.initialize_count_status(inner_count, max_counts))
    }

    /// The learning rates by name (MMEngine's `<name>.base_lr`).
    pub fn lr(&self) -> BTreeMap<String, f64> {
        self.wrappers.iter().map(|(name, wrapper)| (name.clone(), wrapper.lr())).collect()
    }

    /// The momenta by name.
    pub fn momentum(&self) -> BTreeMap<String, f64> {
        self.wrappers.iter().map(|(name, wrapper)| (name.clone(), wrapper.momentum())).collect()
    }

    /// The states by name.
    ///
    /// # Errors
    /// As [`OptimWrapper::state`].
    pub fn state(&mut self) -> Result<BTreeMap<String, OptimWrapperState>> {
        self.wrappers.iter_mut().map(|(name, wrapper)| Ok((name.clone(), wrapper.state()?))).collect()
    }

    /// Puts saved states back; all are checked before the first is put in place.
    ///
    /// # Errors
    /// A name without a wrapper, a wrapper without a state, or as [`OptimWrapper::load_state`]; all are then as they were.
    pub fn load_state(&mut self, states: &BTreeMap<String, OptimWrapperState>) -> Result<()> {
        let known: Vec<String> = self.wrappers.keys().cloned().collect();
        if let Some(name) = states.keys().find(|name| !self.wrappers.contains_key(*name)) {
            return Err(OptimWrapperError::UnknownName { name: name.clone(), known });
        }
        let mut fitted = Vec::with_capacity(self.wrappers.len());
        for (name, wrapper) in &mut self.wrappers {
            let state = states.get(name).ok_or_else(|| OptimWrapperError::State {
                key: name.clone(),
                problem: "there is no state for this wrapper".to_owned(),
            })?;
            fitted.push(wrapper.fit(state)?);
        }
        self.wrappers.values_mut().zip(fitted).try_for_each(|(wrapper, fitted)| wrapper.install(fitted))
    }
}
