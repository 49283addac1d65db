/*
 * The interest-free instalment notices as a popup, for order pages. One script, no framework, nothing else to load:
 *
 *     <script src="https://PGB/static/installments/interest-free.js" defer></script>
 *     <button type="button" data-pgb-interest-free data-key="pgb_pub_..." data-db-type="KR1" data-joiner-id="1001"
 *             data-nation="KR" data-amount="64900">무이자할부 안내</button>
 *
 * Attributes are read when the button is pressed: change data-amount whenever the order changes.
 * Whatever the answer holds is written as text, never as markup.
 */
(() => {
    "use strict";

    const PATH = "/api/v1/installments/interest-free";
    const PARAMETERS = {
        dbType: "db_type", joinerId: "joiner_id", nation: "nation_code", amount: "amount", pgType: "pg_type",
        device: "device", date: "date",
    };
    const PATIENCE_MS = 10000;
    const home = new URL(document.currentScript.src, document.baseURI).origin;

    const number = (amount, language) => new Intl.NumberFormat(language).format(amount);
    const korean = (amount) => (amount && amount % 10000 === 0 ? `${number(amount / 10000, "ko")}만원` : `${number(amount, "ko")}원`);
    const japanese = (amount) => (amount && amount % 10000 === 0 ? `${number(amount / 10000, "ja")}万ウォン` : `${number(amount, "ja")}ウォン`);
    const english = (amount) => `KRW ${number(amount, "en")}`;

    const WORDS = {
        ko: {
            title: "무이자할부 안내", close: "닫기", loading: "불러오는 중입니다.", issuer: "카드사", months: "할부개월", terms: "조건",
            free: "무이자", partial: "부분무이자", empty: "이번 달 무이자할부 안내가 없습니다",
            failed: "안내를 불러오지 못했습니다. 잠시 뒤 다시 시도해 주세요.", again: "다시 시도",
            small: "할부는 5만원 이상 결제할 때 쓸 수 있습니다.",
            note: "카드사 사정으로 바뀔 수 있습니다. 실제 적용 여부는 결제창에서 확인해 주세요.",
            target: "적용 대상", exceptions: "제외 대상",
            count: (runs) => `${runs}개월`,
            atLeast: (amount) => `${korean(amount)} 이상`, between: (least, most) => `${korean(least)}~${korean(most)}`,
            turns: (count) => (count === 1 ? "1회차 고객 부담" : `1~${count}회차 고객 부담`),
            until: (day) => `${day}까지`, from: (day) => `${day}부터`, basis: (amount) => `주문 금액 ${number(amount, "ko")}원 기준`,
        },
        ja: {
            title: "無利子分割払いのご案内", close: "閉じる", loading: "読み込み中です。", issuer: "カード会社", months: "分割回数", terms: "条件",
            free: "無利子", partial: "一部無利子", empty: "今月の無利子分割払いのご案内はありません",
            failed: "ご案内を読み込めませんでした。しばらくしてからもう一度お試しください。", again: "もう一度試す",
            small: "分割払いは5万ウォン以上のお支払いでご利用いただけます。",
            note: "カード会社の都合により変更される場合があります。実際の適用はお支払い画面でご確認ください。",
            target: "対象", exceptions: "対象外",
            count: (runs) => `${runs}か月`,
            atLeast: (amount) => `${japanese(amount)}以上`, between: (least, most) => `${japanese(least)}〜${japanese(most)}`,
            turns: (count) => (count === 1 ? "1回目はお客様負担" : `1〜${count}回目はお客様負担`),
            until: (day) => `${day}まで`, from: (day) => `${day}から`, basis: (amount) => `ご注文金額 ${number(amount, "ja")}ウォン`,
        },
        en: {
            title: "Interest-free instalments", close: "Close", loading: "Loading…", issuer: "Card", months: "Months", terms: "Terms",
            free: "Interest-free", partial: "Partial", empty: "There are no interest-free instalments this month",
            failed: "The notices could not be loaded. Please try again in a moment.", again: "Try again",
            small: "Instalments are available from KRW 50,000.",
            note: "Card companies may change this. Please check on the payment page what applies to you.",
            target: "Applies to", exceptions: "Does not apply to",
            count: (runs) => `${runs.replaceAll("~", "–")} months`,
            atLeast: (amount) => `from ${english(amount)}`, between: (least, most) => `${english(least)} to ${english(most)}`,
            turns: (count) => (count === 1 ? "you pay the 1st month's interest" : `you pay the interest of months 1 to ${count}`),
            until: (day) => `until ${day}`, from: (day) => `from ${day}`, basis: (amount) => `For an order of ${english(amount)}`,
        },
    };
    const SMALLEST = 50000;

    const STYLE = `
        :host { all: initial; }
        * { box-sizing: border-box; }
        dialog { background: #fff; border: 0; border-radius: 14px; box-shadow: 0 18px 50px rgb(15 23 42 / 30%); color: #1f2937;
            font: 15px/1.5 system-ui, -apple-system, "Apple SD Gothic Neo", "Noto Sans KR", "Noto Sans CJK KR", "Noto Sans JP", sans-serif;
            margin: auto; max-height: 86vh; max-height: 86dvh; max-width: 36rem; overflow: hidden; padding: 0; text-align: left;
            width: calc(100% - 2rem); word-break: keep-all; overflow-wrap: anywhere; }
        dialog[open] { display: flex; flex-direction: column; }
        dialog::backdrop { background: rgb(15 23 42 / 55%); }
        header { align-items: flex-start; border-bottom: 1px solid #e5e7eb; display: flex; gap: 1rem; padding: 1rem 1.25rem; }
        h2 { font-size: 1.15rem; line-height: 1.4; margin: 0; }
        .sub { color: #4b5563; font-size: .875rem; margin: .15rem 0 0; }
        header > div { flex: 1; min-width: 0; }
        button { background: #fff; border: 1px solid #9ca3af; border-radius: 8px; color: inherit; cursor: pointer; font: inherit; min-height: 2.75rem; padding: .4rem 1rem; }
        button:hover { background: #f3f4f6; }
        button:focus-visible, .scroll:focus-visible { outline: 3px solid #2563eb; outline-offset: 2px; }
        .scroll:focus-visible { outline-offset: -3px; }
        .close { border-color: transparent; flex: none; font-size: 1.25rem; line-height: 1; margin: -.5rem -.75rem -.5rem 0; min-width: 2.75rem; padding: 0; }
        .scroll { overflow: auto; overscroll-behavior: contain; padding: .25rem 1.25rem 1.25rem; }
        .message { color: #4b5563; padding: 2.25rem 0 1.5rem; text-align: center; }
        .message p { margin: 0 0 .75rem; }
        table { border-collapse: collapse; width: 100%; }
        th, td { border-bottom: 1px solid #e5e7eb; padding: .6rem .75rem .6rem 0; text-align: left; vertical-align: top; }
        th:last-child, td:last-child { padding-right: 0; }
        thead th { color: #4b5563; font-size: .8125rem; font-weight: 500; }
        tbody th { font-weight: 600; width: 26%; }
        td.months { font-variant-numeric: tabular-nums; white-space: normal; width: 32%; }
        .badge { background: #e6f4ea; border-radius: 999px; color: #14532d; display: inline-block; font-size: .75rem; font-weight: 600; margin-top: .15rem; padding: .05rem .55rem; white-space: nowrap; }
        .badge.partial { background: #fff3d6; color: #713f12; }
        .line { display: block; }
        .months .line { display: inline-block; margin-right: .5rem; }
        .soft { color: #4b5563; font-size: .875rem; }
        dl { font-size: .875rem; margin: 1rem 0 0; }
        dt { font-weight: 600; margin-top: .5rem; }
        dd { color: #4b5563; margin: .1rem 0 0; white-space: pre-line; }
        .heard { clip-path: inset(50%); height: 1px; overflow: hidden; position: absolute; width: 1px; }
        .note { color: #4b5563; font-size: .8125rem; margin: 1rem 0 0; }
        @media (max-width: 30rem) {
            dialog { border-radius: 16px 16px 0 0; margin: auto 0 0; max-width: none; width: 100%; }
            header { padding: .9rem 1rem; }
            .scroll { padding: .25rem 1rem calc(1rem + env(safe-area-inset-bottom)); }
        }
        @media (prefers-reduced-motion: no-preference) {
            dialog[open] { animation: rise .16s ease-out; }
            @keyframes rise { from { opacity: 0; transform: translateY(12px); } }
        }`;

    const element = (name, attributes = {}, ...children) => {
        const made = document.createElement(name);
        Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
        made.append(...children.filter((child) => child !== null));
        return made;
    };

    const languageOf = (button) => {
        const wanted = button.dataset.lang || button.closest("[lang]")?.lang || navigator.language || "ko";
        return WORDS[wanted.slice(0, 2).toLowerCase()] ? wanted.slice(0, 2).toLowerCase() : "en";
    };

    const day = (text) => text.replaceAll("-", ".");

    /* [2, 3, 4, 6] -> "2~4, 6" */
    const runs = (months) => {
        const found = [];
        months.forEach((count) => {
            const last = found[found.length - 1];
            if (last && last[1] === count - 1) {
                last[1] = count;
            } else {
                found.push([count, count]);
            }
        });
        return found.map(([first, last]) => (first === last ? `${first}` : `${first}~${last}`)).join(", ");
    };

    /* Months that differ in nothing else stand in one line. */
    const linesOf = (notices) => {
        const lines = new Map();
        notices.forEach((notice) => {
            const same = [notice.buyer_turns, notice.min_amount, notice.max_amount, notice.starts_on, notice.ends_on, notice.title];
            const key = JSON.stringify(same);
            lines.set(key, [...(lines.get(key) || []), notice]);
        });
        return [...lines.values()].map((same) => ({ ...same[0], counts: same.map((one) => one.months) }));
    };

    const periodOf = (issuers) => {
        const periods = new Set(issuers.flatMap((one) => one.notices.map((notice) => `${day(notice.starts_on)} ~ ${day(notice.ends_on)}`)));
        return periods.size === 1 ? [...periods][0] : null;
    };

    const terms = (line, words, common) => {
        const amounts = line.max_amount === null ? (line.min_amount > 0 ? words.atLeast(line.min_amount) : "")
            : words.between(line.min_amount, line.max_amount);
        const soft = [
            line.title,
            line.buyer_turns ? words.turns(line.buyer_turns) : "",
            common ? "" : words.until(day(line.ends_on)),
        ].filter(Boolean);
        return element("td", {}, element("span", { class: "line" }, amounts),
            ...soft.map((text) => element("span", { class: "line soft" }, text)));
    };

    const rowsOf = (issuer, words, language, common) => {
        const lines = linesOf(issuer.notices);
        return lines.map((line, place) => {
            const kind = line.buyer_turns ? "partial" : "free";
            const months = element("td", { class: "months" }, element("span", { class: "line" }, words.count(runs(line.counts))),
                element("span", { class: `badge ${kind}` }, words[kind]));
            const name = place ? null : element("th", { scope: "rowgroup", rowspan: lines.length }, issuer.names[language] || issuer.names.ko);
            return element("tr", {}, name, months, terms(line, words, common));
        });
    };

    const tableOf = (answer, words, language, common) => {
        const head = [words.issuer, words.months, words.terms].map((text) => element("th", { scope: "col" }, text));
        const groups = answer.issuers.map((issuer) => element("tbody", {}, ...rowsOf(issuer, words, language, common)));
        return element("table", { "aria-labelledby": "title" }, element("thead", {}, element("tr", {}, ...head)), ...groups);
    };

    /* Each text once, with the issuers that it is of. */
    const textsOf = (answer, words, language) => {
        const found = new Map();
        ["target", "exceptions"].forEach((kind) => answer.issuers.forEach((issuer) => issuer.notices.forEach((notice) => {
            const key = JSON.stringify([kind, notice[kind].trim()]);
            if (notice[kind].trim()) {
                found.set(key, (found.get(key) || new Set()).add(issuer.names[language] || issuer.names.ko));
            }
        })));
        if (!found.size) {
            return null;
        }
        return element("dl", {}, ...[...found].flatMap(([key, names]) => {
            const [kind, text] = JSON.parse(key);
            return [element("dt", {}, `${words[kind]} · ${[...names].join(", ")}`), element("dd", {}, text)];
        }));
    };

    const addressOf = (button) => {
        if (button.dataset.source) {
            return new URL(button.dataset.source, document.baseURI);
        }
        const address = new URL(PATH, button.dataset.pgb || home);
        Object.entries(PARAMETERS).forEach(([attribute, name]) => {
            if (button.dataset[attribute]) {
                address.searchParams.set(name, button.dataset[attribute]);
            }
        });
        return address;
    };

    const load = async (button, signal) => {
        const headers = button.dataset.key ? { Authorization: `Bearer ${button.dataset.key}` } : {};
        const answer = await fetch(addressOf(button), { headers, signal });
        if (!answer.ok) {
            throw new Error(`PGB answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
        }
        return answer.json();
    };

    const show = async (parts, button, words, language) => {
        const { subtitle, scroll, status } = parts;
        const stop = parts.stop;
        const message = (...texts) => element("div", { class: "message" }, ...texts.map((text) => (typeof text === "string" ? element("p", {}, text) : text)));
        const hurry = setTimeout(() => stop.abort(), PATIENCE_MS);
        scroll.replaceChildren(message(words.loading));
        try {
            const answer = await load(button, stop.signal);
            if (answer.issuers.length) {
                const common = periodOf(answer.issuers);
                const basis = answer.amount === null ? null : words.basis(answer.amount);
                subtitle.textContent = [common, basis].filter(Boolean).join(" · ");
                scroll.replaceChildren(...[tableOf(answer, words, language, common), textsOf(answer, words, language),
                    element("p", { class: "note" }, words.note)].filter(Boolean));
                status.textContent = "";
            } else {
                const small = answer.amount !== null && answer.amount < SMALLEST;
                scroll.replaceChildren(message(...[words.empty, small ? words.small : null].filter(Boolean)));
                status.textContent = words.empty;
            }
        } catch (error) {
            if (!parts.dialog.open) {
                return;
            }
            console.warn(`PGB interest-free: ${error.message}`);
            const again = element("button", { type: "button" }, words.again);
            again.addEventListener("click", () => {
                parts.stop = new AbortController();
                parts.dialog.focus();
                show(parts, button, words, language);
            });
            scroll.replaceChildren(message(words.failed, again));
            status.textContent = words.failed;
        } finally {
            clearTimeout(hurry);
        }
    };

    const open = (button) => {
        const language = languageOf(button);
        const words = WORDS[language];
        const host = element("div", { "data-pgb-popup": "" });
        const root = host.attachShadow({ mode: "open" });
        const style = new CSSStyleSheet();
        style.replaceSync(STYLE);
        root.adoptedStyleSheets = [style]; // no style element: a strict Content-Security-Policy allows it

        const close = element("button", { type: "button", class: "close", "aria-label": words.close }, "✕");
        const subtitle = element("p", { class: "sub" });
        const head = element("div", {}, element("h2", { id: "title" }, words.title), subtitle);
        const scroll = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": "title" });
        const status = element("div", { role: "status", class: "heard" });
        const dialog = element("dialog", { lang: language, "aria-labelledby": "title" }, element("header", {}, head, close), scroll, status);
        const parts = { dialog, subtitle, scroll, status, stop: new AbortController() };

        close.addEventListener("click", () => dialog.close());
        dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // the backdrop
        dialog.addEventListener("close", () => {
            parts.stop.abort();
            host.remove();
            button.focus();
        });
        root.append(dialog);
        document.body.append(host);
        dialog.showModal();
        show(parts, button, words, language);
    };

    document.addEventListener("click", (event) => {
        const button = event.target instanceof Element ? event.target.closest("[data-pgb-interest-free]") : null;
        if (button) {
            event.preventDefault();
            open(button);
        }
    });

    const first = () => document.querySelectorAll("[data-pgb-interest-free][data-pgb-open]").forEach(open);
    if (document.readyState === "loading") {
        document.addEventListener("DOMContentLoaded", first);
    } else {
        first();
    }
})();
