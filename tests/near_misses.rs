//! What stands close to a mistake and is none: it compiles, runs, and loses nothing; and what libtorch does with the mistakes.
#![allow(clippy::unused_self, clippy::useless_vec, reason = "as small as a near miss can be")]
use amp_runtime::prelude::*;
use tch::{Device, Kind, Reduction, Tensor};

#[path = "near_misses/measured.rs"]
mod measured;

const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);

fn ones(rows: i64, columns: i64) -> Tensor {
    Tensor::ones([rows, columns], CPU)
}

/// Whether all values are finite numbers.
fn is_finite(x: &Tensor) -> bool {
    bool::try_from(x.isfinite().all()).unwrap()
}

mod banned_op {
    use super::*;

    #[amp(dtype = f16)]
    fn on_logits(x: &Tensor, target: &Tensor) -> Tensor {
        let logits = x.matmul(x);
        logits.binary_cross_entropy_with_logits(target, None::<Tensor>, None::<Tensor>, Reduction::Mean)
    }

    #[amp(dtype = f16)]
    fn in_full(p: &Tensor, target: &Tensor) -> Tensor {
        #[amp(full)]
        {
            p.binary_cross_entropy(target, None::<Tensor>, Reduction::Mean)
        }
    }

    #[test]
    fn the_loss_of_logits_and_the_loss_in_a_full_block() {
        // A logit of 16 and a target of 0: the sigmoid is 1 in f16, and the loss is 16 all the same.
        let x = ones(16, 16).set_requires_grad(true);
        let loss = on_logits(&x, &Tensor::zeros([16, 16], CPU));
        assert_eq!(loss.kind(), Kind::Float);
        assert!((loss.double_value(&[]) - 16.).abs() < 1e-3);
        loss.backward();
        assert!(is_finite(&x.grad()));
        let p = Tensor::full([4], 0.25, CPU);
        let (plain, target) = (
            |p: &Tensor, t: &Tensor| p.binary_cross_entropy(t, None::<Tensor>, Reduction::Mean),
            p.ones_like(),
        );
        assert_eq!(in_full(&p, &target), plain(&p, &target));
    }
}

mod low_request {
    use super::*;

    #[amp(dtype = f16)]
    fn own_kind(x: &Tensor) -> Tensor {
        x.matmul(x).softmax(-1, x.kind())
    }

    #[amp(dtype = f16, low(softmax))]
    fn by_override(x: &Tensor) -> Tensor {
        x.matmul(x).softmax(-1, Kind::Half)
    }

    #[amp(dtype = f16)]
    fn doubles(x: &Tensor) -> Tensor {
        x.matmul(x).sum(Kind::Double)
    }

    #[test]
    fn kinds_that_are_the_users() {
        let x = ones(2, 2);
        assert_eq!(own_kind(&x).kind(), Kind::Float);
        assert_eq!(by_override(&x).kind(), Kind::Half);
        assert_eq!(doubles(&x).kind(), Kind::Double);
    }
}

mod huge_literal {
    use super::*;

    #[amp]
    fn unfixed(x: &Tensor, mask: &Tensor) -> Tensor {
        x.matmul(x).masked_fill(mask, f64::NEG_INFINITY).softmax(-1, None)
    }

    #[amp(dtype = f16)]
    fn lowest(x: &Tensor, mask: &Tensor) -> Tensor {
        x.matmul(x).masked_fill(mask, -65504.).softmax(-1, None)
    }

    #[amp(dtype = bf16)]
    fn in_bf16(x: &Tensor, mask: &Tensor) -> Tensor {
        x.matmul(x).masked_fill(mask, -1e9).softmax(-1, None)
    }

    #[amp(dtype = f16)]
    fn not_low(x: &Tensor, mask: &Tensor) -> Tensor {
        x.masked_fill(mask, -1e9).softmax(-1, None)
    }

    #[amp(dtype = f16)]
    fn full_block(x: &Tensor, mask: &Tensor) -> Tensor {
        let scores = x.matmul(x);
        #[amp(full)]
        {
            scores.masked_fill(mask, -1e9).softmax(-1, None)
        }
    }

    #[test]
    fn masks_that_hide_and_do_not_fail() {
        let mask = Tensor::from_slice(&[false, true]);
        for masked in [unfixed, lowest, in_bf16, not_low, full_block] {
            let p = masked(&ones(2, 2), &mask);
            assert!(p.equal(&Tensor::from_slice2(&[[1f32, 0.], [1., 0.]])), "{p}");
        }
    }
}

mod tiny_literal {
    use super::*;

    #[amp(dtype = f16)]
    fn large_enough(x: &Tensor) -> Tensor {
        let h = x.matmul(x);
        &h / (h.abs() + 1.6e-5)
    }

    #[amp(dtype = bf16)]
    fn in_bf16(x: &Tensor) -> Tensor {
        let h = x.matmul(x);
        &h / (h.abs() + 1e-8)
    }

    #[amp(dtype = f16)]
    fn on_a_sum(x: &Tensor) -> Tensor {
        let h = x.matmul(x);
        &h / (h.sum(None) + 1e-8)
    }

    #[amp(dtype = f16)]
    fn full_block(x: &Tensor) -> Tensor {
        let h = x.matmul(x);
        #[amp(full)]
        {
            &h / (h.abs() + 1e-8)
        }
    }

    #[test]
    fn epsilons_that_do_their_work() {
        for divided in [large_enough, in_bf16, on_a_sum, full_block] {
            let h = divided(&Tensor::zeros([2, 2], CPU));
            assert!(is_finite(&h), "{h}");
        }
    }
}

mod in_place {
    use super::*;

    #[amp(dtype = f16)]
    fn follows(x: &Tensor) -> Tensor {
        let mut h = x.matmul(x);
        let _ = h.relu_();
        h += 1.;
        h
    }

    #[amp(dtype = f16)]
    fn full_already(x: &Tensor) -> Tensor {
        let mut h = x.exp();
        let _ = h.log_();
        h
    }

    #[amp(dtype = f16)]
    fn lent(x: &mut Tensor, w: &Tensor) {
        let _ = x.addmm_(w, w);
        let _ = x.f_exp_().unwrap();
    }

    #[test]
    fn writes_land_in_what_they_name() {
        let mut lent_out = ones(2, 2);
        lent(&mut lent_out, &ones(2, 2));
        assert_eq!((lent_out.kind(), lent_out.double_value(&[1, 1])), (Kind::Float, f64::from(3f32.exp())));
        let x = -ones(2, 2);
        let h = follows(&x);
        assert_eq!((h.kind(), h.double_value(&[0, 0])), (Kind::Half, 3.));
        let h = full_already(&x);
        assert_eq!(h.kind(), Kind::Float);
        assert!((h.double_value(&[0, 0]) + 1.).abs() < 1e-6);
    }
}

mod backward_inside {
    use super::*;

    struct Tape(std::cell::Cell<u32>);

    impl Tape {
        fn backward(&self) {
            self.0.set(self.0.get() + 1);
        }
    }

    #[amp]
    fn forward(x: &Tensor, tape: &Tape) -> Tensor {
        tape.backward();
        x.matmul(x)
    }

    #[test]
    fn a_backward_that_is_no_tensors() {
        let tape = Tape(0.into());
        let _ = forward(&ones(2, 2), &tape);
        assert_eq!(tape.0.get(), 1);
    }
}

mod coordinate_product {
    use super::*;

    #[amp(dtype = f16)]
    fn areas(features: &Tensor) -> Tensor {
        let boxes = features.matmul(&Tensor::eye(4, CPU));
        #[amp(full)]
        {
            (boxes.select(1, 2) - boxes.select(1, 0)) * (boxes.select(1, 3) - boxes.select(1, 1))
        }
    }

    #[amp(dtype = f16)]
    fn gate(z: &Tensor, h: &Tensor) -> Tensor {
        let (z, h) = (z.matmul(z), h.matmul(h));
        (1. - &z) * (h - z)
    }

    #[test]
    fn areas_in_a_full_block_and_gates() {
        let boxes = Tensor::from_slice2(&[[0f32, 0., 512., 512.]]);
        assert_eq!(areas(&boxes).double_value(&[0]), 512. * 512.);
        assert_eq!(gate(&ones(1, 1), &ones(1, 1)).double_value(&[0, 0]), 0.);
    }
}

mod arm_mismatch {
    use super::*;

    #[amp(dtype = f16, output = full)]
    fn returned(x: &Tensor, probabilities: bool) -> Tensor {
        let h = x.matmul(x);
        if probabilities { h.softmax(-1, None) } else { h }
    }

    #[amp(dtype = f16)]
    fn alike(x: &Tensor, deep: bool) -> Tensor {
        let h = x.matmul(x);
        if deep { h.relu() } else { h }
    }

    #[test]
    fn one_precision_whatever_the_branch() {
        for branch in [false, true] {
            assert_eq!(returned(&ones(2, 2), branch).kind(), Kind::Float);
            assert_eq!(alike(&ones(2, 2), branch).kind(), Kind::Half);
        }
    }
}

mod unseen_site {
    use super::*;

    macro_rules! twice {
        ($value:expr) => {
            $value * 2
        };
    }

    #[amp(dtype = f16)]
    fn forward(xs: &[Tensor], count: i64) -> Vec<Tensor> {
        assert_eq!(xs[0].matmul(&xs[0]).kind(), Kind::Half, "this one is read");
        let all = vec![xs[0].matmul(&xs[0]), xs[0].relu()];
        assert!(twice!(count) > 0);
        all.iter().map(Tensor::relu).collect()
    }

    #[test]
    fn macros_that_can_be_read_or_hold_nothing() {
        let kinds: Vec<Kind> = forward(&[ones(2, 2)], 1).iter().map(Tensor::kind).collect();
        assert_eq!(kinds, [Kind::Half, Kind::Float]);
    }
}

mod unused_word {
    use super::*;

    struct Net;

    #[amp(dtype = f16, low(exp), full(gelu), allow(tiny_literal))]
    impl Net {
        fn one(&self, x: &Tensor) -> Tensor {
            x.exp()
        }

        fn other(&self, x: &Tensor) -> Tensor {
            x.matmul(x).gelu("none")
        }
    }

    #[test]
    fn a_word_of_a_block_that_one_function_answers_to() {
        assert_eq!(Net.one(&ones(2, 2)).kind(), Kind::Half);
        assert_eq!(Net.other(&ones(2, 2)).kind(), Kind::Float);
    }
}
