//! Where a function can stand and how its head can look: attributes, patterns, `extern`, traits, items in functions.
use crate::{ones, value};
use amp_runtime::prelude::amp;
use std::fmt::Debug;
use std::panic::Location;
use std::rc::Rc;
use tch::{Kind, Tensor};

/// A re-exporter's own name for the crate.
#[allow(unused_imports)] // named by the attribute alone
mod reexported {
    pub(super) use amp_runtime as inner;
}

#[amp(crate = crate::placed::reexported::inner)]
fn by_another_path(xs: &Tensor) -> Tensor {
    let f = |h: &Tensor| h.exp();
    f(&xs.matmul(xs))
}

/// Documented, and stays so.
#[inline]
#[must_use]
#[allow(clippy::let_and_return)]
#[amp]
#[track_caller]
fn with_attributes(#[allow(unused)] unused: i64, xs: &Tensor) -> (Tensor, u32) {
    #[cfg(any())]
    let xs = missing;
    #[allow(unused_variables)]
    let spare = xs.exp();
    #[cfg(not(any()))]
    let h = xs.matmul(xs);
    (h, Location::caller().line())
}

#[test]
#[amp]
fn a_test_itself() {
    let h = ones().matmul(&ones());
    assert!((value(&h) - 2.).abs() < 1e-2);
}

#[amp]
#[test]
fn a_test_the_other_way_round() {
    assert!((value(&ones().exp()) - 1f64.exp()).abs() < 1e-2);
}

#[amp]
extern "C" fn exported(xs: &Tensor) -> f64 {
    xs.matmul(xs).sum(Kind::Float).double_value(&[])
}

#[amp]
fn with_patterns((a, _): (&Tensor, i64), &[ref b, ..]: &[Tensor; 2], _: &Tensor, mut c: Tensor) -> Tensor {
    c += a;
    c.matmul(b)
}

#[amp]
fn returns_nothing(xs: &Tensor, out: &mut Vec<Tensor>) {
    out.push(xs.matmul(xs));
}

#[amp]
fn never_returns(xs: &Tensor) -> ! {
    panic!("{:?}", xs.matmul(xs).size())
}

#[amp]
fn diverges(xs: &Tensor) -> Tensor {
    if xs.dim() == 2 {
        return xs.exp();
    }
    unreachable!()
}

#[amp]
fn has_no_site(_: &Tensor) {}

#[amp]
fn outer(xs: &Tensor) -> Tensor {
    #[amp]
    fn inner(xs: &Tensor) -> Tensor {
        xs.matmul(xs)
    }
    fn plain(xs: &Tensor) -> Tensor {
        inner(xs).exp()
    }
    struct Local;
    impl Local {
        #[amp]
        fn method(xs: &Tensor) -> Tensor {
            plain(xs).softmax(-1, Kind::Float)
        }
    }
    Local::method(&xs.matmul(xs)) + inner(xs)
}

trait Model<T: ?Sized = Tensor>: Debug {
    type Out<'a>
    where
        Self: 'a;

    fn weight(&self) -> &Tensor;

    fn out<'a>(&'a self, xs: Tensor) -> Self::Out<'a>;

    #[amp]
    fn run<'a>(&'a self, xs: &T) -> Self::Out<'a>
    where
        T: AsRef<Tensor>,
    {
        let h = xs.as_ref().matmul(self.weight());
        self.out(h.exp())
    }

    #[amp]
    fn sized(self, xs: &Tensor) -> Tensor
    where
        Self: Sized,
    {
        xs.matmul(self.weight())
    }
}

#[derive(Debug)]
struct Owner(Tensor);

impl Model<Owner> for Owner {
    type Out<'a> = (&'a Self, Tensor);

    fn weight(&self) -> &Tensor {
        &self.0
    }

    #[amp]
    fn out<'a>(&'a self, xs: Tensor) -> Self::Out<'a> {
        (self, xs.log())
    }
}

impl AsRef<Tensor> for Owner {
    fn as_ref(&self) -> &Tensor {
        &self.0
    }
}

impl Drop for Owner {
    #[amp]
    fn drop(&mut self) {
        self.0 = self.0.matmul(&self.0);
    }
}

#[amp]
impl Owner {
    const TWO: f64 = 2.;

    fn by_box(self: Box<Self>) -> Tensor {
        self.0.matmul(&self.0) * Self::TWO
    }

    fn by_rc(self: &Rc<Self>) -> Tensor {
        self.0.matmul(&self.0) * Self::TWO
    }

    fn by_lifetime<'a>(&'a self, other: &'a Tensor) -> &'a Tensor {
        if self.0.matmul(other).dim() == 2 { &self.0 } else { other }
    }

    fn captured(&self) -> impl Iterator<Item = Tensor> + '_ {
        (1..3i64).map(move |by| self.0.matmul(&self.0) * by)
    }
}

#[test]
fn heads_and_places() {
    let xs = ones();
    assert!((value(&by_another_path(&xs)) - 2f64.exp()).abs() < 0.1);
    let (h, line) = with_attributes(1, &xs);
    assert_eq!((value(&h), line), (2., line!() - 1));
    assert_eq!(exported(&xs), 8.);
    assert_eq!(value(&with_patterns((&xs, 1), &[ones(), ones()], &xs, ones())), 4.);
    let mut out = vec![];
    returns_nothing(&xs, &mut out);
    assert_eq!(value(&out[0]), 2.);
    let message = std::panic::catch_unwind(|| never_returns(&ones())).unwrap_err();
    assert_eq!(message.downcast_ref::<String>().map(String::as_str), Some("[2, 2]"));
    assert!((value(&diverges(&xs)) - 1f64.exp()).abs() < 1e-2);
    has_no_site(&xs);
    assert!((value(&outer(&xs)) - 2.5).abs() < 1e-2);
}

#[test]
fn traits_and_methods() {
    let (xs, owner) = (ones(), || Owner(ones()));
    let held = owner();
    let (same, log) = held.run(&owner());
    assert!(std::ptr::eq(same, &raw const held));
    assert!((value(&log) - 2.).abs() < 2e-2);
    assert_eq!(value(&owner().sized(&xs)), 2.);
    assert_eq!(value(&Box::new(owner()).by_box()), 4.);
    assert_eq!(value(&Rc::new(owner()).by_rc()), 4.);
    assert!(std::ptr::eq(held.by_lifetime(&xs), &raw const held.0));
    assert_eq!(held.captured().map(|t| value(&t)).collect::<Vec<_>>(), [2., 4.]);
}
