#[derive(runcycles::ScopeValue)]
enum Team {
    #[scope_value("r&d")]
    Research,
}

fn main() {}
