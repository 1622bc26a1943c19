// Input, `optimizer = *opt`:
fn step(mut opt: Guard, loss: &Tensor) {
    loss.backward();
    opt.step();
    (*opt).step();
}

// Output:
fn step(mut opt: Guard, loss: &Tensor) {
    __amp::or_panic(__amp::backward(&loss, (*opt).__wrapper()));
    __amp::done(__amp::or_panic(opt.step()));
    __amp::done(__amp::or_panic((*opt).step()));
}
