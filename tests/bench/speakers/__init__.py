"""Who said what: dialogues made with known truth, the measures of a labelling, and the session that takes them."""
