// Input, `optimizer = `:
fn step(opt: &mut OptimWrapper) {
    fn inner(opt: &mut OptimWrapper) {
        loss.backward();
        opt.step();
    }
    async {
        loss.backward();
    };
    #[amp(skip)]
    {
        loss.backward();
        opt.step();
    }
    #[amp(skip)] loss.backward();
    other!(opt.step());
    assert!(opt.step().is_ok(), "{}", { loss.backward(); 1 });
    println!("{}", opt.lr());
}

// Output:
fn step(opt: &mut OptimWrapper) {
    fn inner(opt: &mut OptimWrapper) {
        loss.backward();
        opt.step();
    }
    async {
        loss.backward();
    };
    #[amp(skip)]
    {
        loss.backward();
        opt.step();
    }
    #[amp(skip)] loss.backward();
    other!(opt.step());
    assert!(
        opt.step().is_ok(), "{}", { __amp::or_panic(__amp::backward(& loss, opt
        .__wrapper())); 1 }
    );
    println!("{}", opt.lr());
}
