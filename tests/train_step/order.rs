//! The real wrapper refuses, in every sequence of calls, the very call that the macro's check accuses first.
use super::{Net, Result, alone, batches, builder, forward};
use amp_runtime::prelude::*;

#[test]
fn the_wrapper_has_the_order_of_the_check() {
    let _alone = alone();
    let mut wrong = 0;
    let table = include_str!("orders.txt");
    let (xs, ys) = &batches()[0];
    for line in table.lines() {
        let (calls, verdict) = line.split_once(": ").unwrap();
        let net = Net::new();
        let mut opt = builder(Precision::Bf16).build(&net.store).unwrap();
        let loss = || forward(&net, xs, ys);
        let refused = calls.split(' ').position(|call| {
            let result: Result<()> = match call {
                "backward" => opt.backward(&loss()).map(|scaled| drop(scaled.accumulate())),
                "clip" => opt.clip_grad_norm(1.),
                "step" => opt.step().map(drop),
                "zero_grad" => opt.zero_grad(),
                "update" => opt.backward_step(&loss()).map(drop),
                other => panic!("unknown call {other}"),
            };
            result.is_err()
        });
        wrong += usize::from(refused.is_some());
        assert_eq!(
            refused.map_or("right".to_owned(), |first| format!("{first} is wrong")),
            verdict,
            "{calls}"
        );
    }
    assert!(wrong > 100 && wrong < table.lines().count() - 100, "{wrong}");
}
