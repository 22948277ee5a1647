// Builds the stand-alone page into dist/. Everything a second build (the OpenShift plugin) would share
// is in webpack.common.js; only the entry, the page and the file names are decided here.
import HtmlWebpackPlugin from 'html-webpack-plugin';
import MiniCssExtractPlugin from 'mini-css-extract-plugin';
import { fileURLToPath } from 'node:url';
import { PrecompressPlugin, common } from './webpack.common.js';

const dist = fileURLToPath(new URL('./dist', import.meta.url));

export default (_env, { mode }) => {
  const production = mode === 'production';
  return {
    ...common(mode),
    entry: { page: './src/standalone/index.tsx' },
    output: {
      path: dist,
      clean: true,
      publicPath: '/',
      filename: 'static/[name].[contenthash:8].js',
      chunkFilename: 'static/[name].[contenthash:8].js',
      assetModuleFilename: 'static/[name].[contenthash:8][ext]'
    },
    devServer: {
      port: Number(process.env.WEB_PORT ?? 9100),
      historyApiFallback: true,
      proxy: [{ context: ['/api', '/role'], target: process.env.BACKEND ?? 'http://127.0.0.1:9001' }]
    },
    plugins: [
      new HtmlWebpackPlugin({ template: './src/standalone/index.html', favicon: './src/standalone/favicon.svg' }),
      new MiniCssExtractPlugin({
        // PatternFly's component styles do not build on each other; views import them in different orders.
        ignoreOrder: true,
        filename: 'static/[name].[contenthash:8].css',
        chunkFilename: 'static/[name].[contenthash:8].css'
      }),
      ...(production ? [new PrecompressPlugin()] : [])
    ]
  };
};
