"""Facts about the paintings that the shipped styles are made from; all are in the public domain."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Painting:
    """A painting.

    Attributes:
        title: Its title.
        artist: Who painted it.
        year: Year or years, as text.
        died: Year of the artist's death: the public domain of most countries begins 70 years later.
    """

    title: str
    artist: str
    year: str
    died: int

    @property
    def public_domain(self) -> str:
        """Why the painting is in the public domain."""
        return f"{self.artist.removeprefix('after ')} died in {self.died}, more than 70 years ago"


PAINTINGS = {
    "adele-bloch-bauer": Painting("Portrait of Adele Bloch-Bauer I", "Gustav Klimt", "1907", 1918),
    "blue-dancers": Painting("Blue Dancers", "Edgar Degas", "1897", 1917),
    "boating-party": Painting("Luncheon of the Boating Party", "Pierre-Auguste Renoir", "1881", 1919),
    "boulevard-montmartre": Painting("Boulevard Montmartre at Night", "Camille Pissarro", "1897", 1903),
    "cafe-terrace": Painting("Café Terrace at Night", "Vincent van Gogh", "1888", 1890),
    "circus": Painting("Circus Sideshow", "Georges Seurat", "1887-1888", 1891),
    "composition-red-blue-yellow": Painting(
        "Composition with Red, Blue and Yellow", "Piet Mondrian", "1930", 1944
    ),
    "composition-vii": Painting("Composition VII", "Wassily Kandinsky", "1913", 1944),
    "dance": Painting("Dance", "Henri Matisse", "1910", 1954),
    "evening-snow": Painting("Evening Snow at Kanbara", "Utagawa Hiroshige", "about 1833", 1858),
    "fighting-temeraire": Painting("The Fighting Temeraire", "J. M. W. Turner", "1839", 1851),
    "flaming-june": Painting("Flaming June", "Frederic Leighton", "1895", 1896),
    "four-trees": Painting("Four Trees", "Egon Schiele", "1917", 1918),
    "goldfish": Painting("Goldfish", "Henri Matisse", "1912", 1954),
    "grande-jatte": Painting("A Sunday on La Grande Jatte", "Georges Seurat", "1884-1886", 1891),
    "great-wave": Painting("The Great Wave off Kanagawa", "Katsushika Hokusai", "about 1831", 1849),
    "haystacks": Painting("Haystacks", "Claude Monet", "1890-1891", 1926),
    "impression-sunrise": Painting("Impression, Sunrise", "Claude Monet", "1872", 1926),
    "irises": Painting("Irises", "Vincent van Gogh", "1889", 1890),
    "jeanne-hebuterne": Painting("Jeanne Hébuterne", "Amedeo Modigliani", "1919", 1920),
    "kirifuri-waterfall": Painting("Kirifuri Waterfall", "Katsushika Hokusai", "about 1832", 1849),
    "mont-sainte-victoire": Painting("Mont Sainte-Victoire", "Paul Cézanne", "1902-1904", 1906),
    "naruto-whirlpools": Painting("The Naruto Whirlpools", "Utagawa Hiroshige", "1855", 1858),
    "rooster": Painting("Nandina and Rooster", "Itō Jakuchū", "about 1765", 1800),
    "shipwreck-of-the-minotaur": Painting(
        "The Shipwreck of the Minotaur", "J. M. W. Turner", "about 1810", 1851
    ),
    "starry-night": Painting("The Starry Night", "Vincent van Gogh", "1889", 1890),
    "tahitian-women": Painting("Tahitian Women on the Beach", "Paul Gauguin", "1891", 1903),
    "the-scream": Painting("The Scream", "Edvard Munch", "1893", 1944),
    "thousand-li": Painting("A Thousand Li of Rivers and Mountains", "Wang Ximeng", "1113", 1119),
    "three-beauties": Painting("Three Beauties of the Present Day", "Kitagawa Utamaro", "about 1793", 1806),
    "two-children": Painting("Two Children", "Vincent van Gogh", "1890", 1890),
    "udnie": Painting("Udnie (Young American Girl, The Dance)", "Francis Picabia", "1913", 1953),
    "undergrowth": Painting("Undergrowth with Two Figures", "Vincent van Gogh", "1890", 1890),
    "view-of-toledo": Painting("View of Toledo", "El Greco", "about 1599", 1614),
    "water-lilies": Painting("Water Lilies", "Claude Monet", "about 1906", 1926),
    "wheatfield-with-crows": Painting("Wheatfield with Crows", "Vincent van Gogh", "1890", 1890),
    "yellow-christ": Painting(
        "Portrait of the Artist with the Yellow Christ", "Paul Gauguin", "1890-1891", 1903
    ),
}
