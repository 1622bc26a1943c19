//! One wrapper or several: their states as tensors and numbers, and back.
use super::container::{Tensors, take};
use super::error::{CheckpointError, Result};
use super::header::Wrapper;
use super::options::LoadOptions;
use crate::native;
use crate::optim::OptimizerState;
use crate::optim_wrapper::{Fitted, OpenWindow, OptimWrapper, OptimWrapperDict, OptimWrapperState};
use std::collections::BTreeMap;
use tch::nn::VarStore;

/// What a checkpoint holds beside the model: an [`OptimWrapper`], or all of an [`OptimWrapperDict`].
pub trait Wrappers: sealed::Sealed {
    /// The wrappers by name; a single one's is empty.
    #[doc(hidden)]
    fn named(&mut self) -> Vec<(&str, &mut OptimWrapper)>;
}

impl Wrappers for OptimWrapper {
    fn named(&mut self) -> Vec<(&str, &mut OptimWrapper)> {
        vec![("", self)]
    }
}

impl Wrappers for OptimWrapperDict {
    fn named(&mut self) -> Vec<(&str, &mut OptimWrapper)> {
        self.iter_mut().collect()
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::OptimWrapper {}
    impl Sealed for crate::OptimWrapperDict {}
}

const OPTIMIZER: &str = "optimizer/";
const GRADIENT: &str = "gradient/";
/// What an open window's gradients carry; there only if one is open.
const GRADIENT_SCALE: &str = "gradient_scale";

/// What stands before the keys of a wrapper: no name can make two keys the same.
fn prefix(name: &str) -> String {
    if name.is_empty() {
        String::new()
    } else {
        format!("wrapper/{}/", name.replace('%', "%25").replace('/', "%2F"))
    }
}

/// Refuses wrappers over another store: their weights would silently be left out.
pub(super) fn require_store(wrappers: &mut impl Wrappers, store: &VarStore) -> Result<()> {
    let identities = store.variables().values().map(native::identity).collect();
    for (_, wrapper) in wrappers.named() {
        if let Some(parameter) = wrapper.outside(&identities) {
            return Err(CheckpointError::AnotherStore { parameter: parameter.to_owned() });
        }
    }
    Ok(())
}

/// The numbers of each wrapper; its tensors go to `tensors`.
pub(super) fn state(
    wrappers: &mut impl Wrappers,
    tensors: &mut Tensors,
) -> Result<BTreeMap<String, Wrapper>> {
    let mut numbers = BTreeMap::new();
    for (name, wrapper) in wrappers.named() {
        let state = wrapper.state()?;
        let prefix = prefix(name);
        let mut put = |kind: &str, named: Tensors| {
            tensors.extend(named.into_iter().map(|(name, tensor)| (format!("{prefix}{kind}{name}"), tensor)));
        };
        put(OPTIMIZER, state.optimizer.tensors);
        if let Some(window) = state.window {
            put(GRADIENT, window.gradients);
            put(GRADIENT_SCALE, Tensors::from([(String::new(), window.scale)]));
        }
        let saved = Wrapper {
            precision: wrapper.precision().to_string(),
            numbers: state.numbers,
            optimizer: state.optimizer.numbers,
            scaler: state.scaler,
        };
        numbers.insert(name.to_owned(), saved);
    }
    Ok(numbers)
}

/// Checks what was saved of each wrapper, and takes its tensors out of `tensors`. Changes nothing.
pub(super) fn fit(
    wrappers: &mut impl Wrappers,
    mut saved: BTreeMap<String, Wrapper>,
    tensors: &mut Tensors,
    options: LoadOptions,
) -> Result<Vec<Fitted>> {
    let mut fitted = Vec::new();
    for (name, wrapper) in wrappers.named() {
        let prefix = prefix(name);
        let Some(saved) = saved.remove(name) else {
            return Err(CheckpointError::Missing { key: format!("{prefix}{OPTIMIZER}") });
        };
        let here = wrapper.precision().to_string();
        if saved.precision != here && !options.without_scaler && !options.allow_environment_change {
            let what = "precision".to_owned();
            let allow = "without_scaler";
            return Err(CheckpointError::Environment { what, saved: saved.precision, here, allow });
        }
        let gradients = take(tensors, &format!("{prefix}{GRADIENT}"));
        let scale = tensors.remove(&format!("{prefix}{GRADIENT_SCALE}"));
        if let (None, Some((name, _))) = (&scale, gradients.first_key_value()) {
            let key = format!("{prefix}{GRADIENT}{name}");
            return Err(CheckpointError::Unexpected { key });
        }
        let optimizer = take(tensors, &format!("{prefix}{OPTIMIZER}"));
        let state = OptimWrapperState {
            optimizer: OptimizerState { numbers: saved.optimizer, tensors: optimizer },
            scaler: saved.scaler,
            keep_scaler: false,
            numbers: saved.numbers,
            window: scale.map(|scale| OpenWindow { scale, gradients }),
        };
        let state = if options.without_scaler { state.without_scaler() } else { state };
        fitted.push(wrapper.fit(&state)?);
    }
    match saved.pop_first() {
        Some((name, _)) => Err(CheckpointError::Unexpected { key: format!("{}{OPTIMIZER}", prefix(&name)) }),
        None => Ok(fitted),
    }
}

pub(super) fn install(wrappers: &mut impl Wrappers, fitted: Vec<Fitted>) -> Result<()> {
    wrappers
        .named()
        .into_iter()
        .zip(fitted)
        .try_for_each(|((_, wrapper), fitted)| Ok(wrapper.install(fitted)?))
}
