//! An optimizer's parameters and gradients, looked at from outside: for states, guards and messages.
use super::error::OptimError;
use super::optimizer::{Optimizer, lock};
use crate::native::{self, TensorList};
use std::collections::HashSet;
use std::fmt;
use tch::Tensor;

impl fmt::Debug for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Optimizer");
        shown.field("config", &self.config).field("parameters", &self.parameters.len());
        shown.field("groups", &self.groups.len()).finish_non_exhaustive()
    }
}

impl Optimizer {
    /// The name of the first parameter that has a gradient.
    pub(crate) fn first_gradient(&self) -> Option<&str> {
        let mut families = self.families.iter();
        let owner = families.find_map(|lists| Some(lists.owners[native::first_gradient(&lists.params)?]))?;
        Some(&self.parameters[owner].name)
    }

    /// What is trained from now on.
    pub(crate) fn parameters(&mut self) -> Result<TensorList, OptimError> {
        self.adopt_new_variables()?;
        Ok(self.parameters.iter().map(|parameter| &parameter.tensor).collect())
    }

    /// The store's variables that are not trained: running statistics, and what is frozen.
    pub(crate) fn buffers(&self) -> TensorList {
        let variables = lock(&self.variables);
        variables.named_variables.values().filter(|variable| !variable.requires_grad()).collect()
    }

    /// The name of a parameter that is none of these tensors.
    pub(crate) fn outside(&self, identities: &HashSet<usize>) -> Option<&str> {
        let outsider = self.parameters.iter().find(|p| !identities.contains(&native::identity(&p.tensor)));
        outsider.map(|parameter| parameter.name.as_str())
    }

    /// The parameters that have a gradient, with it.
    pub(crate) fn gradients(&self) -> impl Iterator<Item = (&str, Tensor)> {
        self.parameters.iter().map(|p| (p.name.as_str(), p.tensor.grad())).filter(|(_, grad)| grad.defined())
    }

    /// The names of the parameters whose gradient is not finite; waits for the device.
    pub(crate) fn non_finite(&self) -> Result<Vec<String>, OptimError> {
        let mut names = Vec::new();
        for (name, grad) in self.gradients() {
            if !bool::try_from(grad.f_isfinite()?.f_all()?)? {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }
}
