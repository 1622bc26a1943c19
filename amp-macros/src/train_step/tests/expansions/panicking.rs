// Input, `optimizer = `:
fn step(opt: &mut OptimWrapper, loss: &Tensor) {
    opt.set_lr(0.1);
    opt.zero_grad();
    loss.backward();
    opt.clip_grad_norm(1.0);
    opt.step()
}

// Output:
fn step(opt: &mut OptimWrapper, loss: &Tensor) {
    __amp::done(__amp::or_panic(opt.set_lr(0.1)));
    __amp::done(__amp::or_panic(opt.zero_grad()));
    __amp::or_panic(__amp::backward(&loss, opt.__wrapper()));
    __amp::done(__amp::or_panic(opt.clip_grad_norm(1.0)));
    __amp::done(__amp::or_panic(opt.step()))
}
