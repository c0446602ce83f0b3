//! `tortie setup` on real API servers, with the real prometheus-operator and a real Prometheus: there and back, killed on the
//! way, against somebody else's values, with the printed rights alone.

mod exported;
mod kept;
mod killed;
mod rights;
mod second_look;
mod served;
mod stage;
mod there_and_back;
