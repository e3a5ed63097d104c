// tls: section hidden_state
[[gnu::section("hidden_state")]] int planted_counter = 7;
