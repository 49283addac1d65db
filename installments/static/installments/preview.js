/* The frames follow what is chosen; whoever is typing keeps the focus when a popup opens in a frame. */
(() => {
    "use strict";
    const form = document.getElementById("preview-form");
    const frames = [...document.querySelectorAll(".pgb-preview iframe")];
    let waiting = 0;
    let typing = null;

    const show = () => {
        const query = new URLSearchParams(new FormData(form)).toString();
        history.replaceState(null, "", `?${query}`);
        frames.forEach((frame) => frame.contentWindow.location.replace(`${form.dataset.frame}?${query}`));
    };
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        show();
    });
    form.addEventListener("input", (event) => {
        typing = event.target;
        clearTimeout(waiting);
        waiting = setTimeout(() => form.checkValidity() && show(), 300);
    });
    window.addEventListener("blur", () => {
        if (typing && frames.includes(document.activeElement)) {
            typing.focus();
        }
    });
    frames.forEach((frame) => frame.addEventListener("pointerdown", () => { typing = null; }));
})();
