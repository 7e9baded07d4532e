/**
 * Shows the mask: its colour and white hatching, drawn at the screen's own resolution, so the lines keep their width at every zoom and
 * show on a picture of any colour. Only what changed is drawn again.
 */

/** @typedef {import("./plane.js").Box} Box */

/** A canvas with more pixels than this costs too much memory beside the mask, so the shown copy of a larger mask is coarser. */
const MOST_SHOWN = 20e6;
const STRIPE_PX = 9;
/** A large change is copied in strips: one small buffer stays in the processor's cache. */
const STRIP_PIXELS = 1 << 18;

export class Hatching {
  /** @param {HTMLCanvasElement} canvas lies over the whole stage @param {import("./board.js").Board} board @param {import("./view.js").View} view */
  constructor(canvas, board, view) {
    this._canvas = canvas;
    this._context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this._board = board;
    this._view = view;
    /** The mask as alpha, `_coarse` of its pixels in one. */
    this._shown = document.createElement("canvas");
    this._alpha = /** @type {CanvasRenderingContext2D} */ (this._shown.getContext("2d"));
    this._coarse = 1;
    this._ratio = 1;
    /** @type {CanvasPattern|null} */
    this._pattern = null;
    this._look = { colour: "", opacity: 0.5 };
  }

  open() {
    const { width, height } = this._board.size;
    this._coarse = Math.max(1, Math.ceil(Math.sqrt((width * height) / MOST_SHOWN)));
    this._shown.width = Math.ceil(width / this._coarse);
    this._shown.height = Math.ceil(height / this._coarse);
  }

  /** @param {string} colour a CSS colour @param {number} opacity 0 to 1 */
  look(colour, opacity) {
    this._look = { colour, opacity };
    this._pattern = null;
  }

  /** Whether the page was zoomed or moved to another screen since. */
  get isStale() {
    return this._ratio !== (window.devicePixelRatio || 1);
  }

  /** @param {number} width CSS pixels @param {number} height */
  resize(width, height) {
    this._ratio = window.devicePixelRatio || 1;
    this._canvas.width = Math.max(1, Math.round(width * this._ratio));
    this._canvas.height = Math.max(1, Math.round(height * this._ratio));
    this._pattern = null;
  }

  /** All of it, after the view or the look changed. */
  drawAll() {
    this._copy(this._board.plane.takeUnseen());
    this._draw(0, 0, this._canvas.width, this._canvas.height);
  }

  /** What was painted since the last time. */
  drawUnseen() {
    const box = this._board.plane.takeUnseen();
    if (!box) return;
    this._copy(box);
    const { scale, tx, ty } = this._view;
    const reach = 1 + this._coarse * scale;
    const left = Math.max(0, Math.floor((box.left * scale + tx - reach) * this._ratio));
    const top = Math.max(0, Math.floor((box.top * scale + ty - reach) * this._ratio));
    const right = Math.min(this._canvas.width, Math.ceil((box.right * scale + tx + reach) * this._ratio));
    const bottom = Math.min(this._canvas.height, Math.ceil((box.bottom * scale + ty + reach) * this._ratio));
    if (left < right && top < bottom) this._draw(left, top, right - left, bottom - top);
  }

  /** @param {Box|null} box of the plane */
  _copy(box) {
    if (!box) return;
    const { plane } = this._board;
    const step = this._coarse;
    const left = Math.floor(box.left / step);
    const top = Math.floor(box.top / step);
    const width = Math.ceil(box.right / step) - left;
    const height = Math.ceil(box.bottom / step) - top;
    if (width <= 0 || height <= 0) return;
    const strip = Math.max(1, Math.min(height, Math.floor(STRIP_PIXELS / width)));
    const image = this._alpha.createImageData(width, strip);
    const pixels = new Uint32Array(image.data.buffer);
    for (let first = 0; first < height; first += strip) {
      const high = Math.min(strip, height - first);
      for (let y = 0, at = 0; y < high; y++) {
        let from = (top + first + y) * step * plane.width + left * step;
        for (let x = 0; x < width; x++, from += step) pixels[at++] = plane.data[from] << 24;
      }
      this._alpha.putImageData(image, left, top + first, 0, 0, width, high);
    }
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height device pixels */
  _draw(x, y, width, height) {
    const context = this._context;
    const { frame, plane, isOpen } = this._board;
    const scale = this._view.scale * this._ratio;
    context.save();
    context.beginPath();
    context.rect(x, y, width, height);
    context.clip();
    context.clearRect(x, y, width, height);
    if (isOpen) {
      context.setTransform(scale, 0, 0, scale, this._view.tx * this._ratio, this._view.ty * this._ratio);
      context.imageSmoothingEnabled = this._view.scale <= 4;
      context.drawImage(this._shown, 0, 0, this._shown.width * this._coarse, this._shown.height * this._coarse);
      context.beginPath();
      context.rect(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top);
      context.rect(0, 0, plane.width, plane.height);
      context.fill("evenodd");
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.globalCompositeOperation = "source-in";
      this._pattern ??= this._makePattern();
      context.fillStyle = /** @type {CanvasPattern} */ (this._pattern);
      context.fillRect(x, y, width, height);
    }
    context.restore();
  }

  _makePattern() {
    const side = Math.round(STRIPE_PX * this._ratio);
    const tile = document.createElement("canvas");
    tile.width = tile.height = side;
    const context = /** @type {CanvasRenderingContext2D} */ (tile.getContext("2d"));
    context.globalAlpha = this._look.opacity;
    context.fillStyle = this._look.colour;
    context.fillRect(0, 0, side, side);
    context.globalAlpha = 0.16 + 0.24 * this._look.opacity;
    context.strokeStyle = "white";
    context.lineWidth = side / 5.5;
    context.beginPath();
    for (const shift of [-side, 0, side]) {
      context.moveTo(shift - 1, side + 1);
      context.lineTo(shift + side + 1, -1);
    }
    context.stroke();
    return this._context.createPattern(tile, "repeat");
  }
}
