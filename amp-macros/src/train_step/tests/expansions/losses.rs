// Input, `optimizer = `:
fn step(opt: &mut OptimWrapper, x: &Tensor) {
    x.mse_loss(y, Reduction::Mean).backward();
    (x + y).backward();
    Tensor::backward(&(x * y));
    self.loss(x)[0].backward();
    for l in losses {
        l.backward()
    }
    opt.step();
}

// Output:
fn step(opt: &mut OptimWrapper, x: &Tensor) {
    __amp::or_panic(__amp::backward(&x.mse_loss(y, Reduction::Mean), opt.__wrapper()));
    __amp::or_panic(__amp::backward(&(x + y), opt.__wrapper()));
    __amp::or_panic(__amp::backward(&(x * y), opt.__wrapper()));
    __amp::or_panic(__amp::backward(&self.loss(x)[0], opt.__wrapper()));
    for l in losses {
        __amp::or_panic(__amp::backward(&l, opt.__wrapper()))
    }
    __amp::done(__amp::or_panic(opt.step()));
}
