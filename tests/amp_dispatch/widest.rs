//! Operations whose kernels do not promote.
use super::*;

/// What libtorch itself makes of operands that were cast by hand.
macro_rules! agrees {
    ($a:expr, $b:expr, $c:expr, |$x:ident, $y:ident, $z:ident| $call:expr) => {{
        let (a, b, c): (Tensor, Tensor, Tensor) = ($a, $b, $c);
        let expected = |kind: Kind| {
            let ($x, $y, $z) = (a.to_kind(kind), b.to_kind(kind), c.to_kind(kind));
            let ($y, $z) = (&$y, &$z);
            $call
        };
        let (full, low) = (expected(Kind::Float), expected(Kind::BFloat16));
        let _region = p::enter(&BF16);
        let site = p::Site::<p::IsTensor>::new();
        let run = |a: Tensor, b: &Tensor, c: &Tensor| {
            let ($y, $z) = (b, c);
            let mut slot = p::Slot::new();
            let $x = p::Place(&a).amp_widest(&site, &mut slot);
            $call
        };
        let half = |t: &Tensor| t.to_kind(Kind::BFloat16);
        let mixed = [
            run(half(&a), &b, &c),
            run(a.shallow_clone(), &half(&b), &c),
            run(a.shallow_clone(), &b, &half(&c)),
        ];
        // With the same values as if all had been f32 from the start: the low one was rounded before.
        assert!(mixed.iter().all(|result| result.kind() == Kind::Float), "{mixed:?}");
        assert!(mixed.iter().all(|result| result.allclose(&full, 0.05, 0.05, false)));
        let all_low = run(half(&a), &half(&b), &half(&c));
        assert_eq!(all_low.kind(), Kind::BFloat16);
        assert_eq!(all_low, low);
    }};
}

#[test]
fn operands_get_the_widest_dtype_among_them() {
    let v = || Tensor::rand([3], F32);
    let m = || Tensor::rand([3, 3], F32) + 1.;
    let index = Tensor::zeros([3, 3], (Kind::Int64, Device::Cpu));
    agrees!(v(), v(), v(), |a, b, c| a.dot(&(b + c)));
    agrees!(v(), v(), v(), |a, b, c| a.f_vdot(&(b + c)).unwrap());
    agrees!(m(), m(), m(), |a, b, c| a.cross(&(b + c), 1));
    agrees!(m(), m(), m(), |a, b, c| a.atan2(&(b + c)));
    agrees!(m(), m(), m(), |a, b, c| a.addcmul(b, c));
    agrees!(m(), m(), m(), |a, b, c| a.f_addcdiv(b, c).unwrap());
    agrees!(m(), m(), m(), |a, b, c| a.tensordot(&(b + c), [1], [1]));
    agrees!(m(), m(), m(), |a, b, c| a.scatter_add(0, &index, &(b + c)));
    let rows = || vec![Some(Tensor::from_slice(&[0_i64, 1, 2]))];
    agrees!(m(), m(), m(), |a, b, c| a.index_put(&rows(), &(b + c), false));
    let image = || Tensor::rand([1, 1, 3, 3], F32);
    let grid = || Tensor::rand([1, 2, 2, 2], F32);
    agrees!(image(), grid(), grid(), |a, b, c| a.grid_sampler(&(b * c), 0, 0, false));
}

#[test]
fn the_function_form_too() {
    let (a, b, w) = (x(), x(), Tensor::randn([2, 4, 4], F32));
    let low = a.to_kind(Kind::BFloat16);
    let refused = Tensor::f_bilinear(&low, &b, &w, None::<Tensor>);
    assert!(refused.is_err(), "libtorch promotes now, and this row is no longer needed");
    let expected = Tensor::bilinear(&low.to_kind(Kind::Float), &b, &w, None::<Tensor>);
    let _region = p::enter(&BF16);
    assert_eq!(p::widest_bilinear(&low, &b, &w, None::<Tensor>), expected);
    let bias = Some(Tensor::zeros([2], (Kind::BFloat16, Device::Cpu)));
    assert_eq!(p::f_widest_bilinear(&low, &b, &w, bias).unwrap(), expected);
}

#[test]
fn other_dtypes_and_other_types_are_left_alone() {
    #[allow(unused_imports, reason = "generated code cannot know")]
    use p::fallback::*;
    struct Vector(f64);
    impl Vector {
        fn dot(&self, other: &Self) -> f64 {
            self.0 * other.0
        }
    }
    let v = Tensor::rand([3], F32);
    let low = v.to_kind(Kind::BFloat16);
    let site = p::Site::<p::IsTensor>::new();
    // Outside a region it is libtorch's error, from the method that returns one.
    assert!(p::Place(&v).amp_widest(&site, &mut p::Slot::new()).f_dot(&low).is_err());
    let _region = p::enter(&BF16);
    let double = v.to_kind(Kind::Double);
    assert!(p::Place(&double).amp_widest(&site, &mut p::Slot::new()).f_dot(&v).is_err());
    assert_eq!(p::Place(&double).amp_widest(&site, &mut p::Slot::new()).dot(&double).kind(), Kind::Double);
    assert_eq!(p::Value(v.relu()).amp_widest(&site, &mut p::Slot::new()).dot(&low).kind(), Kind::Float);
    let weight = Weight(v);
    assert_eq!(p::Place(&weight).amp_widest(&site, &mut p::Slot::new()).dot(&low).kind(), Kind::Float);
    let (site, two) = (p::Site::new(), Vector(2.));
    assert_eq!(p::Place(&two).amp_widest(&site, &mut p::Slot::new()).dot(&Vector(3.)), 6.);
}
