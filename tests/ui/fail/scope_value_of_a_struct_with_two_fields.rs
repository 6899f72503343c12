#[derive(runcycles::ScopeValue)]
struct User {
    name: String,
    number: u64,
}

fn main() {}
