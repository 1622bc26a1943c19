// Input, `optimizer = `:
fn step(opt: &mut OptimWrapper, loss: &Tensor) -> i64 {
    if a {
        opt.step()
    }
    if a { opt.step() } else if b { opt.zero_grad() } else { loss.backward() }
    match a {
        1 => opt.step(),
        2 => idle(),
        3 => return 1,
        _ => opt.zero_grad(),
    };
    while a {
        unsafe { opt.step() }
    }
    loop {
        opt.step();
        { opt.step() }
        break;
    }
    let n = if a { opt.step() } else { opt.step() };
    3
}

// Output:
fn step(opt: &mut OptimWrapper, loss: &Tensor) -> i64 {
    if a {
        __amp::done(__amp::or_panic(opt.step()))
    }
    if a {
        __amp::done(__amp::or_panic(opt.step()))
    } else if b {
        __amp::done(__amp::or_panic(opt.zero_grad()))
    } else {
        __amp::or_panic(__amp::backward(&loss, opt.__wrapper()))
    }
    match a {
        1 => __amp::done(__amp::or_panic(opt.step())),
        2 => {
            idle();
        }
        3 => {
            return 1;
        }
        _ => __amp::done(__amp::or_panic(opt.zero_grad())),
    };
    while a {
        unsafe { __amp::done(__amp::or_panic(opt.step())) }
    }
    loop {
        __amp::done(__amp::or_panic(opt.step()));
        { __amp::done(__amp::or_panic(opt.step())) }
        break;
    }
    let n = if a { opt.step() } else { opt.step() };
    3
}
