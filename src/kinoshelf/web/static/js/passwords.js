// The rules of a password, ticked off while it is typed; the hub judges again.

const RULES = {
  length: (text) => [...text].length >= 8,
  upper: (text) => /\p{Lu}/u.test(text),
  lower: (text) => /\p{Ll}/u.test(text),
  digit: (text) => /\p{Decimal_Number}/u.test(text),
  special: (text) => /[^\p{L}\p{N}\s]/u.test(text),
};

export const isGood = (text) => Object.values(RULES).every((rule) => rule(text));

export function readyRules(field, list) {
  const draw = () => {
    for (const line of list.querySelectorAll("[data-rule]")) line.toggleAttribute("data-kept", RULES[line.dataset.rule](field.value));
  };
  field.addEventListener("input", draw);
  draw();
}
