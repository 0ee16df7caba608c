// A table of any length: only the rows in view are in the page, the rest comes in pages as one scrolls.
// Every text is set as text. Python appends rows and is told when more are wanted, and how to sort.
const { h } = Vue;
const AHEAD = 12; // rows drawn beyond the edges of the view
const figure = (column) => column.kind === "number" || column.kind === "time";
const NARROW = matchMedia("(max-width: 639px)");

export default {
  props: {
    columns: Array, // {key, label, kind, width, sortable, optional, title}
    label: String,
    name: String, // under which the choice of columns is kept
    sort: Object, // {key, descending}
    empty: String,
  },
  emits: ["more", "sort"],
  data: () => ({ rows: Vue.markRaw([]), length: 0, end: false, loading: true, trouble: "", top: 0, height: 600, current: 0, hidden: [], narrow: NARROW.matches }),
  computed: {
    rowHeight() {
      return this.narrow ? 68 : 40;
    },
    shown() {
      return this.columns.filter((column) => !this.hidden.includes(column.key));
    },
    template() {
      return this.shown.map((column) => column.width).join(" ");
    },
  },
  mounted() {
    try {
      const kept = JSON.parse(localStorage.getItem("signalbox-columns:" + this.name));
      const keys = this.columns.filter((column) => column.optional).map((column) => column.key);
      this.hidden = Array.isArray(kept) ? kept.filter((key) => keys.includes(key)) : this.byDefault();
    } catch {
      this.hidden = this.byDefault();
    }
    this.watcher = new ResizeObserver(() => this.measure());
    this.watcher.observe(this.$el);
    NARROW.addEventListener("change", this.turn);
    this.measure();
    document.addEventListener("change", this.choose);
    this.$nextTick(this.tick);
  },
  unmounted() {
    this.watcher.disconnect();
    NARROW.removeEventListener("change", this.turn);
    document.removeEventListener("change", this.choose);
  },
  methods: {
    byDefault() {
      return this.columns.filter((column) => column.away).map((column) => column.key);
    },
    turn() {
      this.narrow = NARROW.matches;
    },
    measure() {
      this.height = this.$el.clientHeight;
      this.want();
    },
    // Checkboxes with data-column anywhere on the page show and hide columns.
    choose(event) {
      const key = event.target.dataset?.column;
      if (!key || event.target.dataset.grid !== this.name) return;
      this.hidden = event.target.checked ? this.hidden.filter((each) => each !== key) : [...this.hidden, key];
      localStorage.setItem("signalbox-columns:" + this.name, JSON.stringify(this.hidden));
    },
    tick() {
      for (const box of document.querySelectorAll(`[data-grid="${this.name}"][data-column]`)) {
        box.checked = !this.hidden.includes(box.dataset.column);
      }
    },
    reset() {
      this.rows = Vue.markRaw([]);
      this.length = 0;
      this.end = false;
      this.loading = true;
      this.trouble = "";
      this.current = 0;
      this.$el.scrollTop = 0;
    },
    append(rows, end) {
      this.rows.push(...rows); // not watched: thousands of rows would be thousands of proxies
      this.length = this.rows.length;
      this.end = end;
      this.loading = false;
      this.$nextTick(this.want);
    },
    failed(detail) {
      this.loading = false;
      this.end = true;
      this.trouble = detail;
    },
    scrolled() {
      this.top = this.$el.scrollTop;
      this.want();
    },
    want() {
      if (this.loading || this.end) return;
      if (this.top + this.height * 2 > this.rows.length * this.rowHeight) {
        this.loading = true;
        this.$emit("more");
      }
    },
    resort(column) {
      if (!column.sortable) return;
      const descending = this.sort.key === column.key ? !this.sort.descending : true;
      this.$emit("sort", { key: column.key, descending });
    },
    open(row, event) {
      if (getSelection().toString()) return;
      if (event.ctrlKey || event.metaKey) window.open(row.href, "_blank", "noopener");
      else location.assign(row.href);
    },
    move(to) {
      this.current = Math.max(0, Math.min(this.rows.length - 1, to));
      const at = this.current * this.rowHeight;
      const head = this.narrow ? 0 : 36;
      if (at < this.$el.scrollTop) this.$el.scrollTop = at;
      else if (at + this.rowHeight + head > this.$el.scrollTop + this.height) this.$el.scrollTop = at + this.rowHeight + head - this.height;
      this.$nextTick(() => this.$el.querySelector(`[data-row="${this.current}"]`)?.focus({ preventScroll: true }));
    },
    pressed(event) {
      const page = Math.max(1, Math.floor(this.height / this.rowHeight) - 2);
      const to = {
        ArrowDown: this.current + 1, j: this.current + 1, ArrowUp: this.current - 1, k: this.current - 1,
        PageDown: this.current + page, PageUp: this.current - page, Home: 0, End: this.rows.length - 1,
      }[event.key];
      if (to !== undefined && !event.target.closest("input, button")) {
        event.preventDefault();
        this.move(to);
      } else if (event.key === "Enter" && event.target.dataset.row !== undefined) {
        this.open(this.rows[this.current], event);
      }
    },
    cell(column, row) {
      const value = row[column.key];
      if (column.kind === "link") return h("a", { href: row.href, class: "grid-link", dir: "auto", tabindex: -1 }, value);
      if (column.kind === "badge") {
        return h("span", { class: "route", "data-route": value.route }, [
          h("span", { class: "shape", "aria-hidden": "true" }), h("span", null, value.word),
        ]);
      }
      if (column.kind === "confidence") {
        if (value === null) return h("span", { class: "muted" }, "—");
        return h("span", { class: "confidence", "data-route": row.route?.route, title: value.tip }, [
          h("span", { class: "confidence-track", "aria-hidden": "true" }, [
            h("span", { class: "confidence-fill", style: { width: value.share * 100 + "%" } }),
          ]),
          h("span", { class: "confidence-value" }, value.text),
        ]);
      }
      if (column.kind === "time") {
        if (value === null) return h("span", { class: "muted" }, "—");
        return h("time", { class: "muted", datetime: value.iso, "data-ago": "", title: value.exact }, signalbox.ago(Date.parse(value.iso)));
      }
      if (column.kind === "status") return h("span", { class: "status", "data-status": value, title: value }, value);
      return h("span", { dir: "auto", class: column.quiet ? "muted" : undefined, title: value }, value);
    },
    // The arrow stands outside of the edge that the column's values are aligned to.
    titled(column, arrow) {
      const sign = h("span", { class: "grid-arrow", "aria-hidden": "true" }, arrow);
      return figure(column) ? [sign, column.label] : [column.label, sign];
    },
    header() {
      return h("div", { class: "grid-head", role: "row", style: { gridTemplateColumns: this.template } },
        this.shown.map((column) => {
          const sorted = this.sort?.key === column.key;
          return h("div", {
            role: "columnheader", class: ["grid-cell", figure(column) && "number"], title: column.title,
            "aria-sort": sorted ? (this.sort.descending ? "descending" : "ascending") : undefined,
          }, column.sortable
            ? h("button", { type: "button", class: "grid-sort", onClick: () => this.resort(column) },
                this.titled(column, sorted ? (this.sort.descending ? "↓" : "↑") : ""))
            : column.label);
        }));
    },
    row(index) {
      const row = this.rows[index];
      return h("div", {
        key: row.id, role: "row", class: "grid-row", "aria-rowindex": index + 2, "data-row": index,
        tabindex: index === this.current ? 0 : -1,
        style: { gridTemplateColumns: this.narrow ? undefined : this.template, transform: `translateY(${index * this.rowHeight}px)`, height: this.rowHeight + "px" },
        onClick: (event) => { if (!event.target.closest("a")) this.open(row, event); },
        onFocus: () => { this.current = index; },
      }, this.shown.map((column) => h("div", {
        role: "cell", key: column.key, class: ["grid-cell", "cell-" + column.key, figure(column) && "number"],
      }, [this.cell(column, row)])));
    },
    waiting() {
      return Array.from({ length: 6 }, (_, index) => h("div", {
        class: "grid-row waiting", "aria-hidden": "true", key: "waiting" + index,
        style: { transform: `translateY(${(this.length + index) * this.rowHeight}px)`, height: this.rowHeight + "px" },
      }, [h("span", { class: "skeleton", style: { width: 30 + ((index * 17) % 50) + "%" } })]));
    },
  },
  render() {
    const first = Math.max(0, Math.floor(this.top / this.rowHeight) - AHEAD);
    const last = Math.min(this.length, Math.ceil((this.top + this.height) / this.rowHeight) + AHEAD);
    const drawn = [];
    for (let index = first; index < last; index++) drawn.push(this.row(index));
    if (this.loading) drawn.push(...this.waiting());
    const length = this.length + (this.loading ? 6 : 0);
    const count = this.length.toLocaleString("en") + (this.end ? "" : "+");
    return h("div", { class: "grid", onScrollPassive: this.scrolled, onKeydown: this.pressed }, [
      h("div", {
        role: "table", "aria-label": this.label, "aria-rowcount": this.end ? this.length + 1 : -1, "aria-busy": this.loading, class: "grid-table",
      }, [
        this.header(),
        h("div", { role: "rowgroup", class: "grid-body", style: { height: length * this.rowHeight + "px" } }, drawn),
      ]),
      this.trouble ? h("p", { class: "grid-empty notice error", role: "alert" }, this.trouble) : null,
      this.end && !this.trouble && this.length === 0 ? h("p", { class: "grid-empty muted", role: "status" }, this.empty) : null,
      h("p", { class: "grid-count muted small", role: "status" }, this.loading && !this.length ? "Loading" : count + (this.length === 1 && this.end ? " row" : " rows")),
    ]);
  },
};
