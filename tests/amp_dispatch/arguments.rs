//! What stands between the parentheses, and on both sides of an operator.
use super::*;

/// Another crate's type with a method of the same name.
struct Backend {
    seen: RefCell<Vec<Kind>>,
}

impl Backend {
    fn matmul(&self, t: &Tensor) -> usize {
        self.seen.borrow_mut().push(t.kind());
        p::identity(t)
    }

    fn softmax(&self, _dim: i64, kind: Kind) -> Kind {
        kind
    }
}

#[test]
fn arguments_of_other_types_methods_stay_as_written() {
    #[allow(unused_imports, reason = "generated code cannot know")]
    use p::fallback::*;
    let _region = p::enter(&BF16);
    let backend = Backend { seen: RefCell::default() };
    let t = x();
    let site = p::Site::new();
    let seen = p::Place(&backend)
        .amp_low(&site, &mut p::Slot::new())
        .matmul(p::Value(&t).amp_low_arg(&site, &mut p::Slot::new()));
    assert_eq!(seen, p::identity(&t));
    assert_eq!(*backend.seen.borrow(), [Kind::Float]);
    let site = p::Site::new();
    let kind = p::Place(&backend).amp_keep(&site).softmax(-1, p::Value(Kind::Half).amp_kind(&site));
    assert_eq!(kind, Kind::Half);
}

#[test]
fn arguments_that_deref_to_a_tensor_are_cast() {
    #[allow(unused_imports, reason = "generated code cannot know")]
    use p::fallback::*;
    let _region = p::enter(&BF16);
    let _island = p::island();
    let t = x().to_kind(Kind::BFloat16);
    let (weight, cell, boxed) = (Weight(x()), RefCell::new(x()), Box::new(x()));
    let by_ref = &boxed;
    let site = p::Site::<p::IsTensor>::new();
    let mm = |y: &Tensor| t.matmul(y).kind();
    assert_eq!(mm(p::Value(&weight).amp_low_arg(&site, &mut p::Slot::new())), Kind::BFloat16);
    assert_eq!(mm(p::Value(&cell.borrow()).amp_low_arg(&site, &mut p::Slot::new())), Kind::BFloat16);
    assert_eq!(mm(p::Value(&boxed).amp_low_arg(&site, &mut p::Slot::new())), Kind::BFloat16);
    assert_eq!(mm(p::Value(&by_ref).amp_low_arg(&site, &mut p::Slot::new())), Kind::BFloat16);
    assert_eq!(mm(p::Value(&x().tr()).amp_low_arg(&site, &mut p::Slot::new())), Kind::BFloat16);
}

#[test]
fn options_and_lists_are_cast_inside() {
    fn cat<T: std::borrow::Borrow<Tensor>>(list: &[T]) -> Vec<i64> {
        assert!(list.iter().all(|t| t.borrow().kind() == Kind::BFloat16));
        Tensor::cat(list, 0).size()
    }
    #[allow(unused_imports, reason = "generated code cannot know")]
    use p::fallback::*;
    let _region = p::enter(&BF16);
    let _island = p::island();
    let site = p::Site::<p::IsTensor>::new();
    let (xs, w, b) = (x(), x(), Tensor::randn([4], F32));
    // tch's arguments share a type parameter: what is borrowed stays borrowed, what is owned stays owned.
    macro_rules! linear {
        ($bias:expr) => {
            p::Place(&xs)
                .amp_low(&site, &mut p::Slot::new())
                .linear(
                    p::Value(&w).amp_low_arg(&site, &mut p::Slot::new()),
                    p::Value($bias).amp_low_arg(&site, &mut p::Slot::new()),
                )
                .kind()
        };
    }
    assert_eq!(linear!(Some(&b)), Kind::BFloat16);
    assert_eq!(linear!(Some(b.shallow_clone())), Kind::BFloat16);
    assert_eq!(linear!(None::<&Tensor>), Kind::BFloat16);
    let owned: Option<Tensor> = p::Value(Some(b.shallow_clone())).amp_low_arg(&site, &mut p::Slot::new());
    assert_eq!(owned.map(|bias| bias.kind()), Some(Kind::BFloat16));

    let pair = [x(), x().to_kind(Kind::BFloat16)];
    let vec = vec![&pair[0], &pair[1]];
    assert_eq!(cat(p::Value(&pair).amp_low_arg(&site, &mut p::Slot::new())), [8, 4]);
    assert_eq!(cat(p::Value(&vec).amp_low_arg(&site, &mut p::Slot::new())), [8, 4]);
    assert_eq!(cat(p::Value(&vec[..]).amp_low_arg(&site, &mut p::Slot::new())), [8, 4]);
    assert_eq!(cat(p::Value(&[&pair[0], &pair[1]]).amp_low_arg(&site, &mut p::Slot::new())), [8, 4]);
    // A list in which nothing changes is the same list.
    let mut slot = p::Slot::new();
    let right = [x().to_kind(Kind::BFloat16)];
    assert!(std::ptr::eq(p::Value(&right).amp_low_arg(&site, &mut slot).as_ptr(), right.as_ptr()));
}

/// The dtype asked of an operation with an output dtype becomes f32 where its input is low, unless the user wants another.
#[test]
fn the_output_dtype_follows_a_low_receiver() {
    #[allow(unused_imports, reason = "generated code cannot know")]
    use p::fallback::*;
    let ask = |t: &Tensor, kind: Option<Kind>| {
        let site = p::Site::new();
        p::Place(t).amp_keep(&site).f_softmax(-1, p::Value(kind).amp_kind(&site)).map(|t| t.kind()).ok()
    };
    let own = |t: &Tensor| {
        let site = p::Site::new();
        p::Place(t).amp_keep(&site).softmax(-1, p::Value(t.kind()).amp_kind(&site)).kind()
    };
    let (full, low, double) = (x(), x().to_kind(Kind::BFloat16), x().to_kind(Kind::Double));
    assert_eq!((own(&low), ask(&low, None)), (Kind::BFloat16, Some(Kind::BFloat16)));
    let _region = p::enter(&BF16);
    let _island = p::island();
    assert_eq!((own(&full), own(&low), own(&double)), (Kind::Float, Kind::Float, Kind::Double));
    assert_eq!(ask(&low, None), Some(Kind::Float));
    assert_eq!(ask(&low, Some(Kind::Half)), Some(Kind::Float));
    assert_eq!(ask(&low, Some(Kind::Double)), Some(Kind::Double));
    assert_eq!(ask(&double, None), Some(Kind::Double));
    let site = p::Site::<p::IsTensor>::new();
    let kept = p::Value(low.relu()).amp_keep(&site);
    assert_eq!(kept.sum(p::Value(None::<Kind>).amp_kind(&site)).kind(), Kind::Float);
}

#[test]
fn operators_cast_what_is_low() {
    #[allow(unused_imports, reason = "generated code cannot know")]
    use p::fallback::*;
    let low = x().to_kind(Kind::BFloat16);
    let reciprocal: Tensor = 1. / p::Value(&low).amp_full_owned();
    assert_eq!(reciprocal.kind(), Kind::BFloat16, "outside");
    let _region = p::enter(&BF16);
    let reciprocal: Tensor = 1. / p::Value(&low).amp_full_owned();
    assert_eq!(reciprocal.kind(), Kind::Float);
    let reciprocal: Tensor = 1. / p::Value(low.relu()).amp_full_owned();
    assert_eq!(reciprocal.kind(), Kind::Float);
    assert_eq!(1. / p::Value(2.).amp_full_owned(), 0.5);

    // A number of unknown type on the left, a tensor of unknown type on the right.
    let reciprocal: Tensor = {
        let (site, scale) = (p::Site::new(), 3.);
        p::Value(scale).amp_probe(&site) / p::Value(&low).amp_full_unless(&site)
    };
    assert_eq!(reciprocal.kind(), Kind::Float);
    let quotient = {
        let site = p::Site::new();
        p::Value(&low).amp_probe(&site) / p::Value(&low).amp_full_unless(&site)
    };
    assert_eq!(quotient.kind(), Kind::BFloat16, "a quotient of tensors follows them");
    let plain = {
        let site = p::Site::new();
        p::Value(6_i64).amp_probe(&site) / p::Value(2_i64).amp_full_unless(&site)
    };
    assert_eq!(plain, 3);
}

#[test]
fn output_full_casts_what_is_low_in_it() {
    let low = || x().to_kind(Kind::BFloat16);
    assert_eq!(p::output_full(low()).kind(), Kind::BFloat16, "outside");
    let _region = p::enter(&BF16);
    assert_eq!(p::output_full(low()).kind(), Kind::Float);
    let (a, (b,)) = p::output_full((low(), (low(),)));
    assert_eq!((a.kind(), b.kind()), (Kind::Float, Kind::Float));
    assert_eq!(p::output_full(Some(low())).unwrap().kind(), Kind::Float);
    assert_eq!(p::output_full(Ok::<_, String>(vec![low()])).unwrap()[0].kind(), Kind::Float);
    assert_eq!(p::output_full(Err::<Tensor, _>(1)).unwrap_err(), 1);
    assert_eq!(p::output_full(x().to_kind(Kind::Int64)).kind(), Kind::Int64);
}
