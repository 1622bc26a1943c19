//! Models whose gradients a test chooses.
use crate::device::device;
use crate::goldens::same_bits;
use tch::nn::VarStore;
use tch::{Kind, Tensor};

/// Variables and a loss that is linear in each of them: its gradients are the numbers that the test gives.
pub struct Recorded {
    /// The variables.
    pub store: VarStore,
    variables: Vec<(String, Tensor)>,
}

impl Default for Recorded {
    fn default() -> Self {
        Self { store: VarStore::new(device()), variables: Vec::new() }
    }
}

impl Recorded {
    /// Variables that begin with the given values, in group 0.
    pub fn new<'a>(variables: impl IntoIterator<Item = (&'a str, Tensor)>) -> Self {
        let mut model = Self::default();
        for (name, value) in variables {
            let _ = model.add(name, &value, 0);
        }
        model
    }

    /// Three variables of f32: `first.weight` \[2, 3\], `middle.bias` \[4\], `last.weight` \[2\].
    pub fn small() -> Self {
        let ramp = |count: i64| Tensor::arange(count, (Kind::Float, device())) * 0.25 - 0.5;
        Self::new([
            ("first.weight", ramp(6).view([2, 3])),
            ("middle.bias", ramp(4)),
            ("last.weight", ramp(2)),
        ])
    }

    /// Adds a variable, `a.b.c`, in its value's dtype and memory layout, on the device that the tests run on.
    pub fn add(&mut self, name: &str, value: &Tensor, group: usize) -> Tensor {
        let mut path = self.store.root();
        let mut parts: Vec<&str> = name.split('.').collect();
        let last = parts.pop().unwrap_or_default();
        for part in parts {
            path = path.sub(part);
        }
        let variable = path.set_group(group).add(last, value.detach().to_device(device()).copy(), true);
        self.variables.push((name.to_owned(), variable.shallow_clone()));
        variable
    }

    /// A loss that nothing depends on, for scalers that are tested without a backward: one on the variables' device.
    pub fn any_loss(&self) -> Tensor {
        Tensor::ones([], (Kind::Float, device()))
    }

    /// The names of the variables, in order.
    pub fn names(&self) -> Vec<&str> {
        self.variables.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The variable of that name.
    ///
    /// # Panics
    /// If there is none.
    pub fn variable(&self, name: &str) -> Tensor {
        let found = self.variables.iter().find(|(known, _)| known == name);
        found.unwrap_or_else(|| panic!("no variable `{name}`")).1.shallow_clone()
    }

    /// A loss, 0-dim, whose gradient of each named variable is the given tensor.
    ///
    /// # Panics
    /// If a name is unknown, or none is given.
    pub fn loss<'a>(&self, grads: impl IntoIterator<Item = (&'a str, Tensor)>) -> Tensor {
        let terms = grads
            .into_iter()
            .map(|(name, grad)| (self.variable(name) * grad.to_device(device())).sum(None::<Kind>));
        terms.reduce(|sum, term| sum + term).expect("a loss of something")
    }

    /// A loss whose gradients are `value` everywhere.
    pub fn uniform_loss(&self, value: f64) -> Tensor {
        self.loss(self.names().into_iter().map(|name| (name, self.variable(name).detach().full_like(value))))
    }

    /// A loss whose gradients are 0.5 everywhere, but `bad` in the first element of the named variables.
    pub fn spoiled_loss(&self, names: &[&str], bad: f64) -> Tensor {
        self.loss(self.names().into_iter().map(|name| {
            let grad = self.variable(name).detach().full_like(0.5);
            if names.contains(&name) {
                let _ = grad.view(-1).get(0).fill_(bad);
            }
            (name, grad)
        }))
    }

    /// Copies of all variables.
    pub fn values(&self) -> Vec<Tensor> {
        self.variables.iter().map(|(_, variable)| variable.detach().copy()).collect()
    }

    /// Whether all variables still have these bits.
    pub fn unchanged_since(&self, values: &[Tensor]) -> bool {
        self.values().iter().zip(values).all(|(now, then)| same_bits(now, then))
    }
}
