.PHONY: run test check
run test check:
	@./kinoshelf $@
