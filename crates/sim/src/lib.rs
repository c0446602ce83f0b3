//! The simulated Calico fleet and the replay of recorded scrapes.
