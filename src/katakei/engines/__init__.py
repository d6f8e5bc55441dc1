"""Who calls the next turn. An engine holds no opinion about rollouts; it only waits until the next turn is due."""
