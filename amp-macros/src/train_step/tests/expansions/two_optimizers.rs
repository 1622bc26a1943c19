// Input, `optimizer = g`:
fn step(g: &mut OptimWrapper, d: &mut OptimWrapper) {
    #[amp(optimizer = d)] loss_d.backward();
    d.step();
    #[amp(optimizer = d)]
    {
        #[amp(full)]
        {
            p.backward();
        }
        q.backward();
        #[amp(optimizer = g)]
        let () = r.backward();
    }
    #[allow(unused)] loss_g.backward();
    g.step();
}

// Output:
fn step(g: &mut OptimWrapper, d: &mut OptimWrapper) {
    __amp::or_panic(__amp::backward(&loss_d, d.__wrapper()));
    __amp::done(__amp::or_panic(d.step()));
    {
        #[amp(full)]
        {
            __amp::or_panic(__amp::backward(&p, d.__wrapper()));
        }
        __amp::or_panic(__amp::backward(&q, d.__wrapper()));
        let () = __amp::or_panic(__amp::backward(&r, g.__wrapper()));
    }
    #[allow(unused)] __amp::or_panic(__amp::backward(&loss_g, g.__wrapper()));
    __amp::done(__amp::or_panic(g.step()));
}
