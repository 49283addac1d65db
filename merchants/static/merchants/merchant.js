// Copies an address, and chooses all rows of a table.
document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.querySelector(button.dataset.copy);
    source.select();
    try {
        await navigator.clipboard.writeText(source.value);
    } catch {
        // No clipboard over plain http, or it is refused: the selected text can still be copied the old way.
        document.execCommand("copy");
    }
    const label = button.querySelector("[data-done]");
    label.textContent = label.dataset.done;
});

document.addEventListener("change", (event) => {
    const name = event.target.dataset.chooseAll;
    if (!name) return;
    for (const box of document.querySelectorAll(`input[name="${name}"]`)) box.checked = event.target.checked;
});
