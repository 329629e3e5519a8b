"""Rules that make a translation more formal or more familiar, for engines that set no tone."""
