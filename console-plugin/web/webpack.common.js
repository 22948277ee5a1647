// What every build of the page shares: loaders, minifiers, and the plugin that writes .gz and .br beside each
// file, so that the server sends compressed bytes without spending time on them.
import MiniCssExtractPlugin from 'mini-css-extract-plugin';
import MinimizerPlugin from 'minimizer-webpack-plugin';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import webpack from 'webpack';

const COMPRESSIBLE = /\.(js|css|html|svg|json)$/;

export class PrecompressPlugin {
  apply(compiler) {
    const name = 'PrecompressPlugin';
    const { RawSource } = webpack.sources;
    const packers = [
      ['.gz', data => promisify(gzip)(data, { level: 9 })],
      ['.br', data => promisify(brotliCompress)(data, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } })]
    ];
    compiler.hooks.thisCompilation.tap(name, compilation => {
      const stage = webpack.Compilation.PROCESS_ASSETS_STAGE_OPTIMIZE_TRANSFER;
      compilation.hooks.processAssets.tapPromise({ name, stage }, async assets => {
        const jobs = Object.entries(assets)
          .filter(([file]) => COMPRESSIBLE.test(file))
          .flatMap(([file, source]) =>
            packers.map(async ([suffix, pack]) => {
              const data = await pack(source.buffer());
              compilation.emitAsset(file + suffix, new RawSource(data));
            })
          );
        await Promise.all(jobs);
      });
    });
  }
}

export const common = mode => {
  const production = mode === 'production';
  return {
    mode,
    devtool: production ? false : 'cheap-module-source-map',
    resolve: { extensions: ['.ts', '.tsx', '.js'] },
    module: {
      rules: [
        {
          test: /\.tsx?$/,
          exclude: /node_modules/,
          loader: 'swc-loader',
          options: {
            jsc: {
              target: 'es2022',
              parser: { syntax: 'typescript', tsx: true },
              transform: { react: { runtime: 'automatic' } }
            }
          }
        },
        { test: /\.css$/, use: [MiniCssExtractPlugin.loader, 'css-loader'] },
        { test: /\.(woff2?|svg|png)$/, type: 'asset/resource' }
      ]
    },
    optimization: {
      minimizer: [
        new MinimizerPlugin({ minify: MinimizerPlugin.swcMinify, extractComments: false }),
        new MinimizerPlugin({ test: /\.css$/, minify: webpack.css?.cssMinify })
      ]
    },
    performance: { hints: false }
  };
};
