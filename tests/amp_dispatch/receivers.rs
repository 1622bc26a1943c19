//! What stands in front of the dot.
use super::*;

/// `$receiver.matmul(&y)` as a place, and what comes out.
macro_rules! place {
    ($receiver:expr) => {{
        #[allow(unused_imports, reason = "generated code cannot know")]
        use p::fallback::*;
        let site = p::Site::new();
        let y = x();
        p::Place(&$receiver)
            .amp_low(&site, &mut p::Slot::new())
            .matmul(p::Value(&y).amp_low_arg(&site, &mut p::Slot::new()))
    }};
}

/// The same for a value without a place, below an island: what is low then was cast by the site.
macro_rules! value {
    ($receiver:expr) => {{
        #[allow(unused_imports, reason = "generated code cannot know")]
        use p::fallback::*;
        let site = p::Site::new();
        let y = x();
        p::Value($receiver)
            .amp_low(&site, &mut p::Slot::new())
            .matmul(p::Value(&y).amp_low_arg(&site, &mut p::Slot::new()))
    }};
}

#[test]
fn whatever_owns_or_borrows_a_tensor_is_one() {
    let _region = p::enter(&BF16);
    // libtorch's own autocast is off: what comes out low was cast by the site.
    let _island = p::island();
    let (t, boxed, rc, arc) = (x(), Box::new(x()), Rc::new(x()), Arc::new(Box::new(x())));
    let (cell, mutex, lock) = (RefCell::new(x()), Mutex::new(x()), RwLock::new(Rc::new(x())));
    let mut owned = x();
    let (by_ref, twice, by_mut) = (&t, &&t, &mut owned);
    let list = [x(), x()];
    assert_eq!(place!(t).kind(), Kind::BFloat16);
    assert_eq!(place!(by_ref).kind(), Kind::BFloat16);
    assert_eq!(place!(*by_ref).kind(), Kind::BFloat16);
    assert_eq!(place!(twice).kind(), Kind::BFloat16);
    assert_eq!(place!(by_mut).kind(), Kind::BFloat16);
    assert_eq!(place!(boxed).kind(), Kind::BFloat16);
    assert_eq!(place!(rc).kind(), Kind::BFloat16);
    assert_eq!(place!(arc).kind(), Kind::BFloat16);
    assert_eq!(place!(list[1]).kind(), Kind::BFloat16);
    let guard = cell.borrow();
    assert_eq!(place!(guard).kind(), Kind::BFloat16);
    assert!(list.iter().all(|item| place!(item).kind() == Kind::BFloat16));
    assert!(list.iter().filter(|item| place!(item).kind() == Kind::BFloat16).count() == 2);

    assert_eq!(value!(x()).kind(), Kind::BFloat16);
    assert_eq!(value!(&t).kind(), Kind::BFloat16);
    assert_eq!(value!(cell.borrow()).kind(), Kind::BFloat16);
    assert_eq!(value!(mutex.lock().unwrap()).kind(), Kind::BFloat16);
    assert_eq!(value!(lock.read().unwrap()).kind(), Kind::BFloat16);
    assert_eq!(value!(lock.write().unwrap()).kind(), Kind::BFloat16);
    assert_eq!(value!(boxed).kind(), Kind::BFloat16);
    assert_eq!(value!(rc.clone()).kind(), Kind::BFloat16);
}

#[test]
fn what_dereferences_to_a_tensor_is_one() {
    let _region = p::enter(&BF16);
    let _island = p::island();
    let weight = Weight(x());
    let by_ref = &weight;
    assert_eq!(place!(weight).kind(), Kind::BFloat16);
    assert_eq!(place!(by_ref).kind(), Kind::BFloat16);
    assert_eq!(value!(&weight).kind(), Kind::BFloat16);
    assert_eq!(value!(weight).kind(), Kind::BFloat16);
}

/// Bounded by `Deref`, a parameter is a tensor; by anything else it is not.
#[test]
fn generic_receivers_are_decided_by_their_bounds() {
    fn deref<T: Deref<Target = Tensor>>(t: T) -> Kind {
        place!(t).kind()
    }
    fn opaque<T: Clone + Into<f64>>(t: &T) -> f64 {
        #[allow(unused_imports, reason = "generated code cannot know")]
        use p::fallback::*;
        let site = p::Site::new();
        p::Place(t).amp_full(&site, &mut p::Slot::new()).clone().into()
    }
    let _region = p::enter(&BF16);
    let _island = p::island();
    assert_eq!(deref(Box::new(x())), Kind::BFloat16);
    assert_eq!(opaque(&2.5_f32), 2.5);
}

#[test]
fn a_guard_is_held_until_its_operation_is_done() {
    let mutex = Mutex::new(x());
    let _region = p::enter(&BF16);
    let site = p::Site::<p::IsTensor>::new();
    let free = |_: &Tensor| mutex.try_lock().is_ok();
    assert!(!free(&p::Value(mutex.lock().unwrap()).amp_low(&site, &mut p::Slot::new())));
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn numbers_and_iterators_stay_what_they_are() {
    #[allow(unused_imports, reason = "generated code cannot know")]
    use p::fallback::*;
    let _region = p::enter(&BF16);
    let number = 2.0_f64;
    let (a, b) = (p::Site::new(), p::Site::new());
    let expected = number.exp();
    assert_eq!(p::Place(&number).amp_full(&a, &mut p::Slot::new()).exp(), expected);
    assert_eq!(p::Value(number * 1.).amp_full(&b, &mut p::Slot::new()).exp(), expected);
    let (a, b) = (p::Site::new(), p::Site::new());
    let three = 3_i64;
    assert_eq!(
        p::Place(&three)
            .amp_full(&a, &mut p::Slot::new())
            .pow(p::Value(2).amp_full_arg(&a, &mut p::Slot::new())),
        9
    );
    assert_eq!(p::Value([1, 5, 3].into_iter()).amp_keep(&b).max(), Some(5));
    // A value that is consumed, and owns what it is made of.
    let site = p::Site::new();
    let words = vec![String::from("a"), String::from("b")];
    let lengths = p::Value(words.into_iter().map(|word| word.len())).amp_keep(&site).sum::<usize>();
    assert_eq!(lengths, 2);
    // Text, a slice: places without a size.
    let site = p::Site::new();
    assert_eq!(p::Place("ab").amp_keep(&site).repeat(2), "abab");
}

/// A value that borrows a local may end a body: nothing of it is left in the wrapper when locals are dropped.
#[test]
fn a_value_that_borrows_a_local_may_end_a_body() {
    #[allow(unused_imports, reason = "generated code cannot know")]
    use p::fallback::*;
    fn tail() -> usize {
        let mut list = vec![1, 2, 3];
        let site = p::Site::new();
        p::Value(list.drain(..)).amp_keep(&site).sum()
    }
    assert_eq!(tail(), 6);
}

#[test]
fn values_are_dropped_once() {
    #[allow(unused_imports, reason = "generated code cannot know")]
    use p::fallback::*;
    struct Counted<'a>(&'a RefCell<u32>);
    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            *self.0.borrow_mut() += 1;
        }
    }
    let drops = RefCell::new(0);
    let site = p::Site::new();
    drop(p::Value(Counted(&drops)).amp_keep(&site));
    assert_eq!(*drops.borrow(), 1);
    let _: Counted<'_> = p::Value(Counted(&drops)).amp_low_arg(&site, &mut p::Slot::new());
    assert_eq!(*drops.borrow(), 2);
}

#[test]
fn without_a_region_the_same_reference_comes_back() {
    #[allow(unused_imports, reason = "generated code cannot know")]
    use p::fallback::*;
    let (t, site) = (x().to_kind(Kind::Half), p::Site::new());
    let (mut a, mut b, mut c) = (p::Slot::new(), p::Slot::new(), p::Slot::new());
    assert!(std::ptr::eq(p::Place(&t).amp_low(&site, &mut a), &raw const t));
    assert!(std::ptr::eq(p::Place(&t).amp_full(&site, &mut b), &raw const t));
    assert!(std::ptr::eq(p::Value(&t).amp_full_arg(&site, &mut c), &raw const t));
    // Nor inside a function while full precision is chosen, even where it fixes a dtype.
    with_precision(Precision::Full, || {
        let _region = p::enter(&BF16);
        assert!(std::ptr::eq(p::Place(&t).amp_full(&site, &mut a), &raw const t));
        assert_eq!(ambient(), Kind::Float);
    });
}

#[test]
fn only_f32_and_the_low_dtypes_are_cast() {
    let _region = p::enter(&BF16);
    let site = p::Site::<p::IsTensor>::new();
    let low = |t: &Tensor| p::Place(t).amp_low(&site, &mut p::Slot::new()).kind();
    let full = |t: &Tensor| p::Place(t).amp_full(&site, &mut p::Slot::new()).kind();
    for kind in [Kind::Double, Kind::Int64, Kind::Bool, Kind::ComplexFloat, Kind::Uint8] {
        let t = x().to_kind(kind);
        assert_eq!((low(&t), full(&t)), (kind, kind));
    }
    for kind in [Kind::Float, Kind::Half, Kind::BFloat16] {
        let t = x().to_kind(kind);
        assert_eq!((low(&t), full(&t)), (Kind::BFloat16, Kind::Float));
    }
    let mut slot = p::Slot::new();
    let undefined = Tensor::new();
    assert!(!p::Place(&undefined).amp_low(&site, &mut slot).defined());
    // What has the right dtype is not copied.
    let t = x().to_kind(Kind::BFloat16);
    assert!(std::ptr::eq(p::Place(&t).amp_low(&site, &mut slot), &raw const t));
}

#[test]
fn a_cast_is_differentiable() {
    let w = x().set_requires_grad(true);
    let h = &w * 3.;
    {
        let _region = p::enter(&BF16);
        let site = p::Site::<p::IsTensor>::new();
        p::Place(&h).amp_low(&site, &mut p::Slot::new()).sum(Kind::Float).backward();
    }
    assert_eq!(w.grad(), Tensor::full([4, 4], 3., F32));
}
