"""Operations: what the service does, told over all of its workers and hosts, and what can be done about it."""
