#[derive(runcycles::ScopeValue)]
enum Team {
    Engineering,
    Other(String),
}

fn main() {}
