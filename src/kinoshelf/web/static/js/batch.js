// What many new discs get alike: what stands in the fields, without what is empty.

export function batchOf(form) {
  const found = {};
  for (const field of form.querySelectorAll("[data-batch] :is(input, select)")) {
    const value = field.type === "checkbox" ? field.checked : field.value.trim();
    if (value !== "" && value !== false) found[field.name] = value;
  }
  return found;
}
