"""What other programs speak to us. No seed documents it; each bridge follows the program it serves."""
