"""The pages in a real browser. Few: what no test below can see."""
