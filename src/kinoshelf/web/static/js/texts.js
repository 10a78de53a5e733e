// The texts of the scripts in the visitor's language. The page carries them; English is what stands in the code.

const block = document.getElementById("script-texts");
const catalogue = block ? JSON.parse(block.textContent) : {};
export const language = document.documentElement.lang || "en";
const plurals = new Intl.PluralRules(language);

function filled(text, values) {
  return values ? text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole)) : text;
}

export function _(text, values) {
  return filled(catalogue[text] || text, values);
}

export function ngettext(one, many, number, values) {
  const forms = catalogue[many];
  const text = forms ? forms[plurals.select(number)] : number === 1 ? one : many;
  return filled(text || many, { n: count(number), ...values });
}

const whole = new Intl.NumberFormat(language);

export function count(number) {
  return whole.format(number);
}
