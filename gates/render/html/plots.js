// Pictures: a drawing comes as data, and its elements are made here, when its fold is opened. Only known ones are made.

const SVG = "http://www.w3.org/2000/svg";
const DRAWN = new Set(["g", "path", "rect", "text", "title"]);
const DRAWN_WITH = new Set(["class", "d", "height", "rx", "text-anchor", "transform", "width", "x", "y"]);
const TITLE_HEIGHT = 30; // of a drawing: the fold has the title

function shapeOf(shape) {
  if (typeof shape === "string") return document.createTextNode(shape);
  const [name, attributes, inside] = shape;
  if (!DRAWN.has(name)) throw new Error(`a drawing has no ${name}`);
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) if (DRAWN_WITH.has(key)) node.setAttribute(key, value);
  node.append(...inside.map(shapeOf));
  return node;
}

function pictureOf({ title, about, width, height, shapes }) {
  const svg = document.createElementNS(SVG, "svg");
  const properties = { class: "plot", viewBox: `0 ${TITLE_HEIGHT} ${width} ${height - TITLE_HEIGHT}`, role: "img", "aria-label": `${title}. ${about}` };
  for (const [key, value] of Object.entries(properties)) svg.setAttribute(key, value);
  svg.append(...shapes.filter(([, attributes]) => attributes.class !== "title").map(shapeOf));
  return make("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": title }, svg);
}

function picturesOf(drawings) {
  const folds = drawings.map((drawing, index) => {
    const node = make("details", { open: index === 0 }, make("summary", {}, drawing.title));
    const fill = () => { if (node.open && node.children.length === 1) node.append(pictureOf(drawing)); };
    node.addEventListener("toggle", fill);
    fill();
    return node;
  });
  return section("Pictures", folds);
}
